;;; SPDX-License-Identifier: MIT
;;;
;;; Exceptions, continuations and dynamic-wind.

(import (scheme base) (scheme write) (scheme read) (scheme file) (scheme process-context)
        (srfi 1))
(include "check.scm")

;;; guard

(check '(sym a) (guard (e ((symbol? e) (list 'sym e)) ((string? e) 'str)) (raise 'a)))
(check 42 (guard (e ((assq 'a e) => cdr) ((assq 'b e))) (raise (list (cons 'a 42)))))
(check '(b . 23) (guard (e ((assq 'a e) => cdr) ((assq 'b e))) (raise (list (cons 'b 23)))))
(check '(outer 5) (guard (o (#t (list 'outer o))) (guard (e ((string? e) 'no)) (raise 5))))
(check 'else (guard (e (else 'else)) (raise 1)))
(check 3 (guard (e (#f 'never)) (+ 1 2)))
(check '(1 2) (call-with-values (lambda () (guard (e (#t 0)) (values 1 2))) list))
(check '(body cleanup caught)
       (let ((log '()))
         (define (note x) (set! log (cons x log)))
         (guard (e (#t (note 'caught)))
           (dynamic-wind (lambda () #f) (lambda () (note 'body) (raise 'x)) (lambda () (note 'cleanup))))
         (reverse log)))
;; A condition that no clause takes is raised again where it was, inside of the dynamic-wind.
(check '(in out in out (again x))
       (let ((log '()))
         (define (note x) (set! log (cons x log)))
         (guard (e (#t (note (list 'again e))))
           (guard (e ((number? e) (note 'number)))
             (dynamic-wind (lambda () (note 'in)) (lambda () (raise 'x)) (lambda () (note 'out)))))
         (reverse log)))
(check 'continued (with-exception-handler
                    (lambda (e) 'continued)
                    (lambda () (guard (e ((number? e) 'number)) (raise-continuable 'x)))))

;;; Handlers

(check 43 (with-exception-handler (lambda (c) 42) (lambda () (+ (raise-continuable 'c) 1))))
(check '(a b) (let ((log '()))
                (with-exception-handler
                  (lambda (e) (set! log (cons e log)) 0)
                  (lambda () (raise-continuable 'a) (raise-continuable 'b)))
                (reverse log)))
(check '(outer (inner x))
       (with-exception-handler
         (lambda (e) (list 'outer e))
         (lambda ()
           (with-exception-handler
             (lambda (e) (raise-continuable (list 'inner e)))
             (lambda () (raise-continuable 'x))))))
(check 'secondary
       (guard (e ((error-object? e) 'secondary) (#t 'wrong))
         (with-exception-handler (lambda (e) 'returns) (lambda () (raise 'x)))))
(check-error (with-exception-handler 5 (lambda () 1)))
(check '(k 10) (call/cc (lambda (k) (with-exception-handler
                                      (lambda (e) (k (list 'k e)))
                                      (lambda () (+ 1 (raise 10)))))))

;;; Error objects

(define (condition-of thunk) (call/cc (lambda (k) (with-exception-handler k thunk))))
(define e1 (condition-of (lambda () (error "message:" 1 "two" 'three))))
(check '(#t "message:" (1 "two" three) #f #f)
       (list (error-object? e1) (error-object-message e1) (error-object-irritants e1)
             (file-error? e1) (read-error? e1)))
(check '(#t #t) (let ((e (condition-of (lambda () (open-input-file "/no/such/file")))))
                  (list (error-object? e) (file-error? e))))
(check '(#t #t) (let ((e (condition-of (lambda () (delete-file "/no/such/file")))))
                  (list (error-object? e) (file-error? e))))
(for-each
 (lambda (text)
   (check (cons text #t)
          (let ((e (condition-of (lambda () (read (open-input-string text))))))
            (cons text (and (error-object? e) (read-error? e))))))
 '("(1 2" ")" "#(1" "\"open" "(1 . )" "(1 . 2 3)" "#\\nosuchname" "|open" "#u8(300)" "#|open" "#5#"
   "( . 1)" "'" "#<x>"))
(check '(#f) (map error-object? '(5)))
(for-each (lambda (thunk) (check #t (error-object? (condition-of thunk))))
          (list (lambda () (car 1)) (lambda () (vector-ref (vector 1) 1)) (lambda () (undefined-name))
                (lambda () ((lambda (x) x))) (lambda () (5 5)) (lambda () (+ 'a 1))
                (lambda () (string-ref "abc" 3)) (lambda () (exact (/ 0. 0.)))
                (lambda () (/ 1 0)) (lambda () (modulo 1 0)) (lambda () (integer->char #xd800))
                (lambda () (list-tail '(1) 2)) (lambda () (symbol->string "a"))
                (lambda () (hash-of-nothing)) (lambda () (length '(1 . 2)))
                (lambda () (apply + 1)) (lambda () (string-append "a" 'b))
                (lambda () (bytevector-u8-set! (bytevector 1) 0 256))
                (lambda () (vector-map car '#(1))) (lambda () (let ((x 1)) (x)))
                (lambda () (string->symbol 1)) (lambda () (exact-integer-sqrt -1))
                (lambda () (char-upcase "a")) (lambda () (list->string '(1)))))

;;; Continuations and dynamic-wind

(define trace '())
(define (note x) (set! trace (cons x trace)))
(define (traced) (let ((t (reverse trace))) (set! trace '()) t))

(define k-saved #f)
(define entries 0)
(dynamic-wind
 (lambda () (note 'before))
 (lambda () (call/cc (lambda (k) (set! k-saved k))) (note 'during))
 (lambda () (note 'after)))
(set! entries (+ entries 1))
(if (< entries 3) (k-saved #f))
(check '(before during after before during after before during after) (traced))

(check '(a1 b1 b3 a3 (x))
       (begin
         (note (list (call/cc (lambda (exit)
                                (dynamic-wind
                                 (lambda () (note 'a1))
                                 (lambda () (dynamic-wind (lambda () (note 'b1)) (lambda () (exit 'x))
                                                          (lambda () (note 'b3))))
                                 (lambda () (note 'a3)))))))
         (traced)))

;; Jumping from one wind into another unwinds only what is not shared.
(define (jump-between)
  (let ((into #f) (times 0))
    (dynamic-wind
     (lambda () (note 'outer-in))
     (lambda ()
       (dynamic-wind (lambda () (note 'left-in))
                     (lambda () (call/cc (lambda (k) (set! into k))) (set! times (+ times 1)))
                     (lambda () (note 'left-out)))
       (if (= times 1)
           (dynamic-wind (lambda () (note 'right-in)) (lambda () (into #f))
                         (lambda () (note 'right-out)))))
     (lambda () (note 'outer-out)))
    (traced)))
(check '(outer-in left-in left-out right-in right-out left-in left-out outer-out) (jump-between))

(define (tree-walk tree visit)
  (cond ((null? tree)) ((pair? tree) (tree-walk (car tree) visit) (tree-walk (cdr tree) visit))
        (else (visit tree))))
(define (make-generator tree)
  (define return #f)
  (define (resume)
    (tree-walk tree (lambda (leaf) (call/cc (lambda (k) (set! resume (lambda () (k #f)))
                                              (return leaf)))))
    (return 'end))
  (lambda () (call/cc (lambda (r) (set! return r) (resume)))))
(define (same-fringe? a b)
  (let ((x (make-generator a)) (y (make-generator b)))
    (let loop () (let ((p (x)) (q (y))) (and (eqv? p q) (or (eq? p 'end) (loop)))))))
(check '(#t #f) (list (same-fringe? '(1 (2 3) ((4))) '((1 2) (3 (4))))
                      (same-fringe? '(1 2 3) '(1 3 2))))
(check (iota 1000) (let ((g (make-generator (iota 1000))))
                     (let loop ((r '())) (let ((x (g))) (if (eq? x 'end) (reverse r)
                                                            (loop (cons x r)))))))

;; Coroutines that pass control round.
(define queue '())
(define (enqueue! thunk) (set! queue (append queue (list thunk))))
(define (dequeue!) (let ((t (car queue))) (set! queue (cdr queue)) t))
(define (yield) (call/cc (lambda (k) (enqueue! (lambda () (k #f))) ((dequeue!)))))
(define (spawn name n done)
  (enqueue! (lambda () (do ((i 0 (+ i 1))) ((= i n)) (note (cons name i)) (yield))
              (done) ((dequeue!)))))
(check '((a . 0) (b . 0) (a . 1) (b . 1) (b . 2))
       (begin
         (call/cc (lambda (finish)
                    (let ((left 2))
                      (define (done) (set! left (- left 1)) (if (= left 0) (finish #f)))
                      (spawn 'a 2 done)
                      (spawn 'b 3 done)
                      ((dequeue!)))))
         (traced)))

;; amb: search by re-entry.
(define fail-stack '())
(define (fail) (if (null? fail-stack) (error "no more choices")
                   (let ((k (car fail-stack))) (set! fail-stack (cdr fail-stack)) (k k))))
(define (amb choices)
  (let ((k (call/cc (lambda (k) k))))
    (if (null? choices) (fail)
        (let ((choice (car choices)))
          (set! choices (cdr choices))
          (set! fail-stack (cons k fail-stack))
          choice))))
(check '(3 4 5) (let* ((a (amb (iota 7 1))) (b (amb (iota 7 1))) (c (amb (iota 7 1))))
                  (if (not (and (= (* c c) (+ (* a a) (* b b))) (< a b))) (fail))
                  (list a b c)))

;; map is not disturbed by re-entry.
(check '((1 2 3) (1 20 3))
       (let ((k #f) (results '()) (n 0))
         (let ((r (map (lambda (x) (call/cc (lambda (c) (if (= x 2) (set! k c)) x))) '(1 2 3))))
           (set! results (cons r results))
           (set! n (+ n 1))
           (if (= n 1) (k 20))
           (reverse results))))
(check '(#(1 2) #(10 2))
       (let ((k #f) (results '()) (n 0))
         (let ((r (vector-map (lambda (x) (call/cc (lambda (c) (if (= x 1) (set! k c)) x))) #(1 2))))
           (set! results (cons r results))
           (set! n (+ n 1))
           (if (= n 1) (k 10))
           (reverse results))))
(check '(1 2 3) (call-with-values (lambda () (call/cc (lambda (k) (k 1 2 3)))) list))
(check '() (call-with-values (lambda () (call/cc (lambda (k) (k)))) list))

;; Parameters follow continuations.
(define level (make-parameter 0))
(check '(1 0 1)
       (let ((back #f) (seen '()))
         (parameterize ((level 1))
           (call/cc (lambda (k) (set! back k)))
           (set! seen (cons (level) seen)))
         (if (= (length seen) 1) (begin (set! seen (cons (level) seen)) (back #f)))
         (reverse seen)))

(report 'exceptions)
