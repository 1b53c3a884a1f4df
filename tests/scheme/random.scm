;;; SPDX-License-Identifier: MIT
;;;
;;; random and SRFI 27: limits, evenness, and that runs can be replayed.

(import (scheme base) (scheme write) (scheme inexact) (scheme process-context) (srfi 27)
        (only (gait) random random-seed!))
(include "check.scm")

(define (draw n thunk) (if (= n 0) '() (cons (thunk) (draw (- n 1) thunk))))
(define (all? good? list) (or (null? list) (and (good? (car list)) (all? good? (cdr list)))))

;;; Replay

(define (sample) (draw 20 (lambda () (list (random 1000) (random 1.) (random (expt 10 50)) (random-integer 6) (random-real)))))
(random-seed! 42)
(define first-sample (sample))
(random-seed! 42)
(check first-sample (sample))
(check #f (equal? first-sample (sample)))
(for-each
 (lambda (other) (random-seed! other) (check #f (equal? first-sample (sample))))
 (list 43 -42 0 (+ 42 (expt 2 64)) (expt 10 100)))
;; The published generator, seeded by splitmix64 from 0: its first numbers, of 64 bits.
(random-seed! 0)
(check '(5987356902031041503 7051070477665621255 6633766593972829180)
       (draw 3 (lambda () (random (expt 2 64)))))
(random-seed!)
(define unknown (sample))
(random-seed!)
(check #f (equal? unknown (sample)))

;;; Limits

(check '(0 0 0 0 0) (draw 5 (lambda () (random 1))))
(for-each
 (lambda (limit)
   (check #t (all? (lambda (n) (and (exact-integer? n) (<= 0 n) (< n limit))) (draw 100 (lambda () (random limit))))))
 (list 2 7 1000 (expt 2 62) (+ 1 (expt 2 62)) (expt 2 64) (+ 1 (expt 2 64)) (expt 10 100)))
(for-each
 (lambda (limit)
   (check #t (all? (lambda (x) (and (inexact? x) (<= 0 x) (< x limit))) (draw 100 (lambda () (random limit))))))
 (list 1. .1 1e300 5e-324 1e-320))
(check #t (all? (lambda (x) (< 0 x 1)) (draw 1000 random-real)))
(for-each
 (lambda (wrong) (check-error (random wrong)) (check-error (random-integer wrong)))
 (list 0 -1 1/2 0. -1. +inf.0 +nan.0 +i 'a (- (expt 10 30))))
(check-error (random-integer 1.5))
(check-error (random-seed! 1.5))
(check-error (random-seed! 'a))
(check-error (random 5 5))

;;; Evenness: chi-square, far beyond what chance does (p < 1e-9)

(random-seed! 1)
(define (chi-square cells draws thunk)
  (let ((counts (make-vector cells 0)) (expected (/ draws cells)))
    (do ((i 0 (+ i 1))) ((= i draws))
      (let ((cell (thunk))) (vector-set! counts cell (+ 1 (vector-ref counts cell)))))
    (inexact (apply + (map (lambda (n) (/ (square (- n expected)) expected)) (vector->list counts))))))
(check #t (< (chi-square 10 5000 (lambda () (random 10))) 60))
(check #t (< (chi-square 3 5000 (lambda () (random 3))) 45))
;; Three quarters of 2^64: what a remainder of 64 bits would make twice as likely.
(check #t (< (chi-square 3 5000 (lambda () (quotient (random (* 3 (expt 2 62))) (expt 2 62)))) 45))
(check #t (< (chi-square 10 5000 (lambda () (exact (floor (* 10 (random-real)))))) 60))

;;; Sources

(define source (make-random-source))
(check '(#t #f #t) (list (random-source? source) (random-source? 5) (random-source? default-random-source)))
(define integers (random-source-make-integers source))
(define reals (random-source-make-reals source))
(define (source-sample) (list (integers 1000000) (integers (expt 10 30)) (reals)))
(define state (random-source-state-ref source))
(define from-state (source-sample))
(check #f (equal? from-state (source-sample)))
(random-source-state-set! source state)
(check from-state (source-sample))
(check from-state (let* ((source (make-random-source)) (integers (random-source-make-integers source)))
                    (list (integers 1000000) (integers (expt 10 30)) ((random-source-make-reals source)))))
(random-source-pseudo-randomize! source 3 5)
(define pair-3-5 (source-sample))
(random-source-pseudo-randomize! source 5 3)
(check #f (equal? pair-3-5 (source-sample)))
(random-source-pseudo-randomize! source 3 5)
(check pair-3-5 (source-sample))
(random-source-randomize! source)
(check #f (equal? pair-3-5 (source-sample)))
(check #t (< -1 (random 10 source) 10))
(define tenths (random-source-make-reals source 1/10))
(check #t (all? (lambda (x) (and (exact? x) (< 0 x 1) (integer? (* 10 x)))) (draw 100 tenths)))
(check #t (all? (lambda (x) (and (inexact? x) (< 0 x 1))) (draw 100 (random-source-make-reals source .001))))
(check-error (random-source-make-reals source 1))
(check-error (random-source-make-reals source 0))
(check-error (random-source-make-integers 5))
(check-error (random-source-state-set! source 5))
(check-error (random-source-state-set! source (make-bytevector 32 0)))
(check-error (random-source-pseudo-randomize! source -1 0))

(report 'random)
