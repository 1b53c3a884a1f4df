;; SPDX-License-Identifier: MIT
;; A tree of 2^20 pairs stays, 16 MiB; beside it trees of 2^14 are made and dropped.
(define (tree depth) (if (= depth 0) '() (cons (tree (- depth 1)) (tree (- depth 1)))))
(define kept (tree 20))
(let loop ((i 0)) (if (< i 150) (begin (tree 14) (loop (+ i 1)))))
(display (length kept))
(newline)
