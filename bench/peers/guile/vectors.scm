;; SPDX-License-Identifier: MIT
;; GCBench of vectors: a tree and a long vector stay; beside them trees of all depths are built from
;; the leaves up and dropped.
(define (tree depth)
  (if (= depth 0)
      (vector #f #f)
      (let* ((left (tree (- depth 1))) (right (tree (- depth 1)))) (vector left right))))
(define kept (tree 16))
(define numbers (make-vector 500000 0))
(let all ((depth 4))
  (if (<= depth 16)
      (begin
        (let some ((i (quotient (expt 2 18) (expt 2 depth))))
          (if (> i 0) (begin (tree depth) (some (- i 1)))))
        (all (+ depth 2)))))
(display (vector-length numbers))
(newline)
