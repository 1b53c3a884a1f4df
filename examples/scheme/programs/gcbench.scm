;;; SPDX-License-Identifier: MIT
;;;
;;; Trees, after the pattern of GCBench: a long-lived tree and a vector of numbers stay, while many
;;; small trees of several depths come and go, round after round, so that the live heap is steady.
;;; (gcbench.scm [depth of the long-lived tree [rounds]])

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

(define short-lived-depths '(4 6 8 10))

;; As many trees of this depth as make up a number of nodes, half of them each way.
(define (churn depth nodes)
  (let ((trees (max 1 (quotient nodes (* 2 (tree-size depth))))))
    (do ((i 0 (+ i 1)))
        ((= i trees))
      (let ((up (bottom-up depth)) (down (make-node #f #f)))
        (top-down! depth down)
        (when (= i 0)
          (check 'bottom-up (count-nodes up) (tree-size depth))
          (check 'top-down (count-nodes down) (tree-size depth)))))
    (* 2 trees)))

(define (main depth rounds)
  (let* ((long-lived (bottom-up depth))
         (size (tree-size depth))
         (numbers (make-vector (* 2 size) 0.0)))
    (do ((i 0 (+ i 1)))
        ((= i (* 2 size)))
      (vector-set! numbers i (/ 1.0 (+ i 1))))
    (let next-round ((round 0) (trees 0))
      (if (< round rounds)
          (next-round (+ round 1)
                      (apply + trees
                             (map (lambda (d) (churn (min d depth) size)) short-lived-depths)))
          (begin
            (check 'long-lived (count-nodes long-lived) size)
            (check 'numbers (vector-ref numbers 9) 0.1)
            (display (list 'gcbench 'depth depth 'rounds rounds 'trees trees 'ok))
            (newline))))))

(let ((sizes (map string->number (cdr (command-line)))))
  (main (if (pair? sizes) (car sizes) 16)
        (if (and (pair? sizes) (pair? (cdr sizes))) (cadr sizes) 70)))
