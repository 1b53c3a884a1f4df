;; SPDX-License-Identifier: MIT
;; Trees, strings, tables, weak tables, guardians, threads: what it prints does not depend on when
;; the collector runs.
(use-modules (ice-9 threads))

(define (make-tree depth)
  (if (= depth 0) '() (cons (make-tree (- depth 1)) (make-tree (- depth 1)))))
(define (count tree)
  (if (null? tree) 1 (+ (count (car tree)) (count (cdr tree)))))
(define (print . items)
  (for-each (lambda (item) (display item) (display " ")) items)
  (newline))

(define kept (make-tree 13))
(let loop ((i 0) (sum 0))
  (if (< i 20) (loop (+ i 1) (+ sum (count (make-tree 11)))) (print "trees" sum)))

(define texts (make-vector 100 ""))
(do ((i 0 (+ i 1))) ((= i 20000))
  (vector-set! texts (modulo i 100) (string-append "text " (number->string (* i i)))))
(print (vector-ref texts 99))

(define table (make-hash-table))
(do ((i 0 (+ i 1))) ((= i 10000)) (hash-set! table i (list i (* i i))))
(print (hash-ref table 777))

(define weak (make-weak-key-hash-table))
(define keys (map (lambda (i) (list i)) (iota 100)))
(for-each (lambda (key) (hashq-set! weak key (car key))) keys)
(do ((i 0 (+ i 1))) ((= i 5000)) (hashq-set! weak (list i) i))
(gc)
(print (apply + (map (lambda (key) (hashq-ref weak key)) keys)))

(define guardian (make-guardian))
(for-each (lambda (key) (guardian key)) keys)
(do ((i 0 (+ i 1))) ((= i 1000)) (guardian (vector i)))
(gc)
(print "alive is not guarded" (let loop ((object (guardian)))
                                (cond ((not object) #t) ((pair? object) #f) (else (loop (guardian))))))

(print "threads" (apply + (par-map (lambda (i) (count (make-tree (+ 8 (modulo i 3))))) (iota 20))))
(print (expt 7 1000))
(print (count kept))
