;;; SPDX-License-Identifier: MIT
;;;
;;; Deep recursion, long lists, deep and large data: deep.scm [SIZE].

(import (scheme base) (scheme write) (scheme read) (scheme lazy) (scheme eval)
        (scheme process-context) (only (srfi 1) iota fold-right) (srfi 69))
(include "check.scm")

(define size
  (let ((arguments (cdr (command-line))))
    (if (pair? arguments) (string->number (car arguments)) 1000000)))

;;; Recursion that is no tail call

(define (count-down n) (if (= n 0) 0 (+ 1 (count-down (- n 1)))))
(check size (count-down size))
(define (build n) (if (= n 0) '() (cons n (build (- n 1)))))
(check size (length (build size)))
(define (is-even? n) (or (= n 0) (not (is-even? (- n 1)))))
(check (even? size) (is-even? size))
(define (sum-up l) (if (null? l) 0 (+ (car l) (sum-up (cdr l)))))
(check (quotient (* size (+ size 1)) 2) (sum-up (build size)))
(check 1 (call/cc (lambda (k) (let down ((n size)) (if (= n 0) (k 1) (+ 1 (down (- n 1))))))))
(check (list size 'below)
       (let down ((n size))
         (if (= n 0)
             (guard (e (#t (list 0 e))) (raise 'below))
             (let ((r (down (- n 1)))) (list (+ 1 (car r)) (cadr r))))))
(check size (let ((depth 0))
              (let down ((n (quotient size 10)))
                (if (> n 0)
                    (dynamic-wind (lambda () (set! depth (+ depth 10))) (lambda () (down (- n 1))) (lambda () #f))))
              (+ depth (modulo size 10))))
(check 'caught (guard (e (#t 'caught)) (let down ((n size)) (if (= n 0) (error "at the bottom") (+ 1 (down (- n 1)))))))

;;; Tail calls take no room

(check 'done (let loop ((n (* 10 size))) (if (= n 0) 'done (loop (- n 1)))))
(define (ping n) (if (= n 0) 'pong (pong (- n 1))))
(define (pong n) (cond ((= n 0) 'ping) (else (apply ping (list (- n 1))))))
(check (if (even? size) 'pong 'ping) (ping size))
(check 'end (let loop ((n size)) (and #t (or #f (when #t (case n ((0) 'end) (else (loop (- n 1)))))))))
(check size (let loop ((n 0)) (if (= n size) n (call/cc (lambda (k) (loop (+ n 1)))))))
(check size (let loop ((n 0)) (if (= n size) n (call-with-values (lambda () (values (+ n 1) 0)) (lambda (a b) (loop a))))))

;;; Long lists

(define long (iota size))
(check (list size (- size 1) size size)
       (list (length long) (car (reverse long)) (length (append long '())) (vector-length (list->vector long))))
(check (quotient (* size (- size 1)) 2) (apply + long))
(check size (apply max (map (lambda (x) (+ x 1)) long)))
(check #t (equal? long (list-copy long)))
(check size (length (map + long long long)))
(check size (fold-right (lambda (x n) (+ n 1)) 0 long))
(check #t (equal? long (read (open-input-string (let ((p (open-output-string))) (write long p) (get-output-string p))))))
(check size (string-length (apply string-append (map (lambda (x) "x") long))))
(check (- size 1) (cdr (assv (- size 1) (map (lambda (x) (cons x x)) long))))

;;; Deep data

(define (nest n) (let loop ((n n) (l '())) (if (= n 0) l (loop (- n 1) (list l)))))
(define (nesting l) (let loop ((n 0) (l l)) (if (null? l) n (loop (+ n 1) (car l)))))
(check #t (equal? (nest size) (nest size)))
(check (* 2 (+ size 1)) (let ((p (open-output-string))) (write (nest size) p) (string-length (get-output-string p))))
(check 10000 (nesting (read (open-input-string (let ((p (open-output-string))) (write (nest 10000) p) (get-output-string p))))))
(check #t (guard (e ((read-error? e) #t)) (read (open-input-string (make-string size #\()))))
(check #t (guard (e ((error-object? e) #t)) (eval (nest size) (environment '(scheme base)))))

;;; Deep promises, large numbers, many of everything

(define (stream n) (if (= n 0) (delay '()) (delay-force (stream (- n 1)))))
(check '() (force (stream size)))
(check (quotient size 10) (let ((n (expt 2 (quotient size 10))))
                            (let loop ((n n) (bits 0)) (if (= n 1) bits (loop (quotient n (expt 2 100)) (+ bits 100))))))
(check size (let ((table (make-hash-table eqv?)))
              (for-each (lambda (i) (hash-table-set! table i i)) long)
              (hash-table-size table)))
(check (quotient size 10) (length (map (lambda (i) (string->symbol (number->string i))) (iota (quotient size 10)))))

(report 'deep)
