;;; SPDX-License-Identifier: MIT
;;;
;;; Trees, after the pattern of GCBench: a long-lived tree and a vector of numbers stay, while many
;;; trees of growing depth come and go. (gcbench.scm [depth of the long-lived tree])

(import (scheme base) (scheme write) (scheme process-context))

(define-record-type node
  (make-node left right)
  node?
  (left node-left set-node-left!)
  (right node-right set-node-right!))

;; From the leaves up: nothing is ever assigned.
(define (bottom-up depth)
  (if (= depth 0)
      (make-node #f #f)
      (make-node (bottom-up (- depth 1)) (bottom-up (- depth 1)))))

;; From the root down: every node is assigned twice.
(define (top-down! depth node)
  (when (> depth 0)
    (set-node-left! node (make-node #f #f))
    (set-node-right! node (make-node #f #f))
    (top-down! (- depth 1) (node-left node))
    (top-down! (- depth 1) (node-right node))))

(define (tree-size depth) (- (expt 2 (+ depth 1)) 1))

(define (count-nodes node)
  (if node
      (+ 1 (count-nodes (node-left node)) (count-nodes (node-right node)))
      0))

(define (check what got wanted)
  (unless (equal? got wanted)
    (error "gcbench: wrong result:" what got wanted)))

;; As many trees of this depth as make up a fixed number of nodes, both ways.
(define (churn depth nodes)
  (let ((trees (quotient nodes (* 2 (tree-size depth)))))
    (do ((i 0 (+ i 1)))
        ((= i trees))
      (let ((up (bottom-up depth)) (down (make-node #f #f)))
        (top-down! depth down)
        (when (= i 0)
          (check 'bottom-up (count-nodes up) (tree-size depth))
          (check 'top-down (count-nodes down) (tree-size depth)))))
    trees))

(define (main depth)
  (let* ((long-lived (bottom-up depth))
         (size (* 2 (tree-size depth)))
         (numbers (make-vector size 0.0))
         (trees 0))
    (do ((i 0 (+ i 1)))
        ((= i size))
      (vector-set! numbers i (/ 1.0 (+ i 1))))
    (do ((d 4 (+ d 2)))
        ((> d depth))
      (set! trees (+ trees (churn d (* 10 size)))))
    (check 'long-lived (count-nodes long-lived) (tree-size depth))
    (check 'numbers (vector-ref numbers 9) 0.1)
    (display (list 'gcbench 'depth depth 'trees trees 'ok))
    (newline)))

(let ((arguments (cdr (command-line))))
  (main (if (pair? arguments) (string->number (car arguments)) 17)))
