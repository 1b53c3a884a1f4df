;; SPDX-License-Identifier: MIT
;; guile bench.scm WORKLOAD name=value ...: the workloads of bench/ that Guile has a program for. What
;; each does says the C file of its name.

(use-modules (srfi srfi-4) (srfi srfi-9))

(define (die what)
  (format (current-error-port) "bench: ~a\n" what)
  (exit 2))

(define (parameter name otherwise)
  (let ((start (string-append name "=")))
    (let loop ((words (cddr (command-line))))
      (cond ((null? words) otherwise)
            ((string-prefix? start (car words))
             (string->number (substring (car words) (string-length start))))
            (else (loop (cdr words)))))))

(define (nodes depth) (- (ash 2 depth) 1))

;; A node is a pair, a leaf one of two empty references.
(define (build depth)
  (if (= depth 0)
      (cons #f #f)
      (let* ((left (build (- depth 1))) (right (build (- depth 1))))
        (cons left right))))

(define (count tree)
  (if (car tree)
      (+ 1 (count (car tree)) (count (cdr tree)))
      1))

(define (trees)
  (define depth-max (parameter "depth" 18))
  (define (expect found trees depth)
    (unless (= found (* trees (nodes depth))) (die "trees: a tree lost nodes")))
  (expect (count (build (+ depth-max 1))) 1 (+ depth-max 1))
  (let ((lasting (build depth-max)))
    (do ((depth 4 (+ depth 2))) ((> depth depth-max))
      (let ((trees (ash 1 (+ (- depth-max depth) 4))))
        (do ((i 0 (+ i 1)) (found 0 (+ found (count (build depth)))))
            ((= i trees) (expect found trees depth)))))
    (expect (count lasting) 1 depth-max)))

(define-record-type <holed>
  (make-holed left right i j)
  holed?
  (left left set-left!)
  (right right set-right!)
  (i number-i)
  (j number-j))

;; Of 30 bits, so that it stays a fixnum.
(define seed 886172645)
(define hole #f)

(define (random-next!)
  (set! seed (logand (+ (* seed 1103515245) 12345) #x3fffffff))
  (ash seed -8))

(define (node)
  (let ((random (random-next!)))
    (when (odd? random)
      (set! hole (make-vector (+ 1 (logand (ash random -1) 7)) 0)))
    (make-holed #f #f 0 0)))

(define (populate at depth)
  (if (= depth 0)
      1
      (begin
        (set-left! at (node))
        (set-right! at (node))
        (+ 1 (populate (left at) (- depth 1)) (populate (right at) (- depth 1))))))

(define (build-holed depth)
  (if (= depth 0)
      (node)
      (let* ((left (build-holed (- depth 1))) (right (build-holed (- depth 1))) (top (node)))
        (set-left! top left)
        (set-right! top right)
        top)))

(define (count-holed tree)
  (if (left tree)
      (+ 1 (count-holed (left tree)) (count-holed (right tree)))
      1))

(define (gcbench)
  (define depth-max (parameter "depth" 16))
  (define kept (build-holed (+ depth-max 2)))
  (define lasting (node))
  (define numbers (make-f64vector 500000 0.))
  (set! kept #f)
  (populate lasting depth-max)
  (do ((i 0 (+ i 1))) ((= i 500000)) (f64vector-set! numbers i (/ 1. (+ i 1))))
  (do ((depth 4 (+ depth 2))) ((> depth depth-max))
    (let ((trees (quotient (* 2 (nodes (+ depth-max 2))) (nodes depth))))
      (do ((i 0 (+ i 1))) ((= i trees))
        (unless (= (populate (node) depth) (nodes depth)) (die "gcbench: memory was lost")))
      (do ((i 0 (+ i 1))) ((= i trees)) (build-holed depth))))
  (unless (and (= (count-holed lasting) (nodes depth-max))
               (= (f64vector-ref numbers 1000) (/ 1. 1001)))
    (die "gcbench: memory was lost")))

(let ((workload (if (pair? (cdr (command-line))) (cadr (command-line)) "")))
  (cond ((string=? workload "trees") (trees))
        ((string=? workload "gcbench") (gcbench))
        (else (die "usage: bench.scm trees|gcbench [name=value ...]")))
  (format #t "cycles ~a\n" (cdr (assq 'gc-times (gc-stats)))))
