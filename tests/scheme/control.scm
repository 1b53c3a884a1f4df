;;; SPDX-License-Identifier: MIT
;;;
;;; Continuations that are entered again, winders, tail calls, and recursion deeper than the stack.
;;; (control.scm [depth])

(import (scheme base) (scheme write) (scheme process-context))
(include "check.scm")

(define deep (let ((arguments (cdr (command-line))))
               (if (pair? arguments) (string->number (car arguments)) 1000000)))

;;; Depth

(define (count n) (if (= n 0) 0 (+ 1 (count (- n 1)))))
(check deep (count deep))
(check deep (length (let build ((i deep)) (if (= i 0) '() (cons i (build (- i 1)))))))
(check (min deep 100000)
       (apply + (map (lambda (x) 1)
                     (let build ((i (min deep 100000)) (l '()))
                       (if (= i 0) l (build (- i 1) (cons i l)))))))
(define (even2? n) (if (= n 0) #t (odd2? (- n 1))))
(define (odd2? n) (if (= n 0) #f (even2? (- n 1))))
(check #t (even2? deep))
(check 'done (let loop ((n deep)) (cond ((= n 0) 'done) (else (or #f (and #t (loop (- n 1))))))))
(check 'done (let loop ((n deep)) (if (= n 0) 'done (apply loop (list (- n 1))))))
(check 'done (let loop ((n deep)) (call-with-values (lambda () (values n 0)) (lambda (n z) (if (= n z) 'done (loop (- n 1)))))))
(check 'done (let loop ((n deep)) (if (= n 0) 'done (call/cc (lambda (k) (loop (- n 1)))))))
(define (nest n) (if (= n 0) '() (list (nest (- n 1)))))
(check #t (let ((n (* 2 (min deep 100000)))) (equal? (make-list n 1) (make-list n 1))))
(check #t (equal? (nest (min deep 100000)) (nest (min deep 100000))))
(check (* 2 (+ 1 (min deep 100000)))
       (let ((p (open-output-string))) (write (nest (min deep 100000)) p) (string-length (get-output-string p))))

;;; Generators: a continuation back and forth

(define (make-generator f)
  (define return #f)
  (define resume #f)
  (define (yield x) (call/cc (lambda (k) (set! resume k) (return x))))
  (lambda ()
    (call/cc (lambda (r)
               (set! return r)
               (if resume
                   (resume #f)
                   (begin (f yield) (return 'end)))))))
(define (tree-generator tree)
  (make-generator
   (lambda (yield)
     (let walk ((t tree))
       (cond ((pair? t) (walk (car t)) (walk (cdr t)))
             ((not (null? t)) (yield t)))))))
(define (collect g) (let loop ((r '())) (let ((x (g))) (if (eq? x 'end) (reverse r) (loop (cons x r))))))
(check '(1 2 3 4 5 6) (collect (tree-generator '((1 (2)) 3 (((4 5))) 6))))
(define (same-fringe? a b)
  (let ((g (tree-generator a)) (h (tree-generator b)))
    (let loop () (let ((x (g)) (y (h))) (and (eqv? x y) (or (eq? x 'end) (loop)))))))
(check '(#t #f) (list (same-fringe? '(1 (2 3)) '((1 2) 3)) (same-fringe? '(1 2 3) '(1 3 2))))
(check 499500 (let ((g (make-generator (lambda (yield) (do ((i 0 (+ i 1))) ((= i 1000)) (yield i))))))
                (let loop ((sum 0)) (let ((x (g))) (if (eq? x 'end) sum (loop (+ sum x)))))))

;; A generator deep in a recursion.
(check '(3 2 1 0)
       (collect (make-generator (lambda (yield) (let f ((n 3)) (yield n) (if (> n 0) (+ 1 (f (- n 1))) 0))))))

;;; Entering again

(check '(0 1 2 3)
       (let ((k #f) (n 0) (seen '()))
         (let ((x (call/cc (lambda (c) (set! k c) 0))))
           (set! seen (cons x seen))
           (set! n (+ n 1))
           (if (< n 4) (k n) (reverse seen)))))
;; Locals that are assigned are one place; others are as they were.
(check '(3 0)
       (let ((k #f) (assigned 0))
         (let ((fixed assigned))
           (call/cc (lambda (c) (set! k c)))
           (set! assigned (+ assigned 1))
           (if (< assigned 3) (k #f) (list assigned fixed)))))
;; map that is entered again must not change what it returned before.
(check '((1 2 3) (1 10 3))
       (let ((k #f) (results '()))
         (let ((r (map (lambda (x) (call/cc (lambda (c) (if (= x 2) (set! k c)) x))) '(1 2 3))))
           (set! results (cons r results))
           (if (= 1 (length results)) (k 10) (reverse results)))))
(check '((1 2 3) (1 10 3))
       (let ((k #f) (results '()))
         (let ((r (vector->list (vector-map (lambda (x) (call/cc (lambda (c) (if (= x 2) (set! k c)) x))) #(1 2 3)))))
           (set! results (cons r results))
           (if (= 1 (length results)) (k 10) (reverse results)))))
;; amb: choose by going back.
(define fail #f)
(define (amb choices)
  (let ((outer fail))
    (call/cc (lambda (return)
               (for-each (lambda (c) (call/cc (lambda (next) (set! fail (lambda () (next #f))) (return c)))) choices)
               (set! fail outer)
               (outer)))))
(check '(3 4 5)
       (call/cc (lambda (done)
                  (set! fail (lambda () (done 'none)))
                  (let* ((a (amb '(1 2 3 4 5 6 7))) (b (amb '(1 2 3 4 5 6 7))) (c (amb '(1 2 3 4 5 6 7))))
                    (if (and (= (* c c) (+ (* a a) (* b b))) (< a b)) (list a b c) (fail))))))
;; The continuation of a deep recursion, used twice.
(check (list deep (+ deep 1))
       (let ((k #f) (results '()))
         (define (dive n) (if (= n 0) (call/cc (lambda (c) (set! k c) 0)) (+ 1 (dive (- n 1)))))
         (let ((r (dive deep)))
           (set! results (cons r results))
           (if (= 1 (length results)) (k 1) (reverse results)))))

;;; Winders

(define (trace-winds body)
  (let ((path '()))
    (define (note x) (set! path (cons x path)))
    (body note)
    (reverse path)))
(check '(in work out in work out in work out)
       (trace-winds
        (lambda (note)
          (let ((k #f) (n 0))
            (dynamic-wind (lambda () (note 'in))
                          (lambda () (call/cc (lambda (c) (set! k c))) (note 'work))
                          (lambda () (note 'out)))
            (set! n (+ n 1))
            (if (< n 3) (k #f))))))
(check '(a b -b -a c -c a b -b -a)
       (trace-winds
        (lambda (note)
          (let ((k #f) (first #t))
            (dynamic-wind (lambda () (note 'a))
                          (lambda ()
                            (dynamic-wind (lambda () (note 'b))
                                          (lambda () (call/cc (lambda (c) (if (not k) (set! k c)))))
                                          (lambda () (note '-b))))
                          (lambda () (note '-a)))
            (if first
                (begin
                  (set! first #f)
                  (dynamic-wind (lambda () (note 'c)) (lambda () (k #f)) (lambda () (note '-c)))))))) )
(check '(before after) (trace-winds (lambda (note) (guard (e (#t #t)) (dynamic-wind (lambda () (note 'before)) (lambda () (raise 'x)) (lambda () (note 'after)))))))
(check '(1 2 1) (let ((p (make-parameter 1)) (k #f) (seen '()) (n 0))
                  (define (note) (set! seen (cons (p) seen)))
                  (note)
                  (parameterize ((p 2)) (note))
                  (note)
                  (reverse seen)))
(check '(2 1 2 1)
       (let ((p (make-parameter 1)) (k #f) (seen '()) (n 0))
         (parameterize ((p 2)) (call/cc (lambda (c) (set! k c))) (set! seen (cons (p) seen)))
         (set! seen (cons (p) seen))
         (set! n (+ n 1))
         (if (< n 2) (k #f) (reverse seen))))

;;; Exceptions and depth

(check 'caught (guard (e (#t 'caught)) (let dive ((n (quotient deep 10))) (if (= n 0) (raise 'bottom) (+ 1 (dive (- n 1)))))))
(check 1000 (let loop ((i 0)) (if (= i 1000) i (loop (+ i (guard (e ((number? e) e)) (raise 1)))))))
(check 100 (let nest ((n 100)) (if (= n 0) (raise-continuable 0)
             (with-exception-handler (lambda (e) (+ 1 (raise-continuable e))) (lambda () (if (= n 1) (guard (e (#f #f)) (with-exception-handler (lambda (e) 0) (lambda () 100))) (nest (- n 1))))))))
(when (> deep 10000)
  (check '(caught "stack overflow: deeper than 64 MiB (--stack)")
       (guard (e ((error-object? e) (list 'caught (error-object-message e))))
         (let forever ((n 0)) (+ 1 (forever n))))))

(report 'control)
