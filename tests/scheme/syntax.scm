;;; SPDX-License-Identifier: MIT
;;;
;;; Macros, quasiquote, binding forms.

(import (scheme base) (scheme write) (scheme lazy) (scheme case-lambda) (scheme eval)
        (scheme process-context))
(include "check.scm")

;;; Nested ellipses, tails, vectors, literals

(define-syntax my-let*-values-names
  (syntax-rules () ((_ ((name ...) ...) ...) '((name ... ...) ...))))
(check '((a b c) (d) ()) (my-let*-values-names ((a b) (c)) ((d)) ()))

(define-syntax flatten-pairs
  (syntax-rules () ((_ ((a b ...) ...)) '((a ...) (b ... ...) ((b ... a) ...)))))
(check '((1 4 5) (2 3 6) ((2 3 1) (4) (6 5))) (flatten-pairs ((1 2 3) (4) (5 6))))

(define-syntax cross
  (syntax-rules () ((_ x (y ...)) '((x y) ...))))
(check '((k 1) (k 2)) (cross k (1 2)))

(define-syntax tail-pattern
  (syntax-rules ()
    ((_ first ... before last . end) '((first ...) before last end))))
(check '((1 2) 3 4 ()) (tail-pattern 1 2 3 4))
(check '(() 3 4 5) (tail-pattern 3 4 . 5))

(define-syntax vector-pattern
  (syntax-rules () ((_ #(a b ... (c d) ...)) '(a (b ...) (c ...) (d ...)))
                   ((_ #(a b ...)) '(a #(b ...)))))
(check '(1 #(2 3)) (vector-pattern #(1 2 3)))

(define-syntax with-literals
  (syntax-rules (=> to)
    ((_ a => b) (list 'arrow a b))
    ((_ a to b) (list 'to a b))
    ((_ a x b) (list 'other a b))))
(check '(arrow 1 2) (with-literals 1 => 2))
(check '(to 1 2) (with-literals 1 to 2))
(check '(other 1 2) (let ((to 5)) (with-literals 1 to 2)))

(define-syntax underscore (syntax-rules () ((_ _ x _) x)))
(check 2 (underscore 1 2 3))

(define-syntax escaped
  (syntax-rules () ((_ x) '(x (... ...)))))
(check '(1 ...) (escaped 1))

(define-syntax define-lister
  (syntax-rules ()
    ((_ name) (define-syntax name (syntax-rules () ((_ x (... ...)) (list x (... ...))))))))
(define-lister lister)
(check '(1 2 3) (lister 1 2 3))

(define-syntax dots
  (syntax-rules ::: () ((_ (a b :::) :::) '((b ::: a) ::: ...))))
(check '((2 3 1) (5 4) ...) (dots (1 2 3) (4 5)))

(define-syntax literal-dots
  (syntax-rules (...) ((_ ...) 'dots) ((_ x) 'other)))
(check '(dots other) (list (literal-dots ...) (literal-dots 1)))

(define-syntax by-datum
  (syntax-rules () ((_ 1) 'one) ((_ "two") 'two) ((_ #\3) 'three) ((_ #t) 'true) ((_ ()) 'nil)
                   ((_ x) 'else)))
(check '(one two three true nil else)
       (list (by-datum 1) (by-datum "two") (by-datum #\3) (by-datum #t) (by-datum ()) (by-datum 9)))

;;; Hygiene

(define-syntax swap!
  (syntax-rules () ((_ a b) (let ((tmp a)) (set! a b) (set! b tmp)))))
(check '(2 1) (let ((tmp 1) (other 2)) (swap! tmp other) (list tmp other)))
(check 'outer
       (let ((x 'outer))
         (let-syntax ((m (syntax-rules () ((m) x))))
           (let ((x 'inner)) (m)))))
(define-syntax my-or
  (syntax-rules () ((_) #f) ((_ e) e) ((_ e r ...) (let ((t e)) (if t t (my-or r ...))))))
(check 5 (let ((t 5)) (my-or #f t)))
(check 7 (let ((if list)) (my-or #f 7)))
(define-syntax while
  (syntax-rules ()
    ((_ test body ...) (let loop () (when test body ... (loop))))))
(check 10 (let ((i 0) (loop 'mine)) (while (< i 10) (set! i (+ i 1))) i))
(define-syntax my-if
  (syntax-rules () ((_ c t e) (cond (c t) (else e)))))
(check 'no (let ((else #f)) (my-if #f 'yes 'no)))
(define-syntax bind-two
  (syntax-rules () ((_ a b) (let ((x 1)) (let ((a 2)) (list x a b))))))
(check '(1 2 9) (let ((x 9)) (bind-two y x)))
(define-syntax def-hidden
  (syntax-rules () ((_ get) (begin (define hidden 42) (define (get) hidden)))))
(check 42 (let () (def-hidden peek) (define hidden 1) (peek)))
(define-syntax ten (syntax-rules () ((_) 10)))
(define-syntax define-ten (syntax-rules () ((_ x) (define x (ten)))))
(define-ten a-ten)
(check 10 a-ten)
(check 'ok (let ((=> #f)) (cond (#t => 'ok))))
(check '(2 3)
       (let ()
         (define-syntax jabberwocky
           (syntax-rules ()
             ((_ hatter)
              (begin
                (define march-hare 42)
                (define-syntax hatter (syntax-rules () ((_) march-hare)))))))
         (jabberwocky mad-hatter)
         (define march-hare 1)
         (list (if (= (mad-hatter) 42) 2 0) (+ march-hare 2))))

;;; let-syntax, letrec-syntax, internal definitions

(check 'now
       (let-syntax ((given-that (syntax-rules () ((_ test s1 s2 ...) (if test (begin s1 s2 ...))))))
         (let ((if #t)) (given-that if (set! if 'now)) if)))
(check '(#t #f)
       (letrec-syntax ((ev? (syntax-rules () ((_) #t) ((_ x . r) (od? . r))))
                       (od? (syntax-rules () ((_) #f) ((_ x . r) (ev? . r)))))
         (list (ev? 1 2 3 4) (ev? 1 2 3))))
(check 3 (let () (define-syntax f (syntax-rules () ((_ x) (g x))))
           (define (g x) (+ x 1))
           (f 2)))
(check '(1 2 3)
       (let ()
         (define-values (a . rest) (values 1 2 3))
         (define b (cons a rest))
         b))
(define-values (top-a top-b . top-rest) (values 1 2 3 4))
(check '(1 2 (3 4)) (list top-a top-b top-rest))
(define-values all-of-them (values 5 6))
(check '(5 6) all-of-them)
(check '(#t #f) (letrec ((ev? (lambda (n) (or (= n 0) (od? (- n 1)))))
                         (od? (lambda (n) (and (> n 0) (ev? (- n 1))))))
                  (list (ev? 100) (od? 100))))
(check 6 (letrec* ((a 1) (b (+ a 1)) (c (+ a b))) (* a b c)))
(check 'early (guard (e (#t 'early)) (letrec ((a b) (b 1)) a)))

;;; Quasiquote

(check '(1 2 3 4) `(1 ,@(list 2 3) ,(+ 2 2)))
(check '((foo 7) . cons) `((foo ,(- 10 3)) ,@(cdr '(c)) . ,(car '(cons))))
(check #(10 5 4 16 9 8)
       `#(10 5 ,(square 2) ,@(map square '(4 3)) 8))
(check '(a `(b ,(foo 4 d) e) f) `(a `(b ,(foo ,(+ 1 3) d) e) f))
(check '(a `(b ,x ,'y d) e) (let ((name1 'x) (name2 'y)) `(a `(b ,,name1 ,',name2 d) e)))
(check '(1 `(2 ,@(3 4 5))) `(1 `(2 ,@(3 ,@(list 4 5)))))
(check '(1 . 2) `(1 unquote (+ 1 1)))
(check '(1 2 . 3) `(1 ,@'(2) . 3))
(check '() `(,@'()))
(check 5 `,(+ 2 3))
(check '(quasiquote (list (unquote (+ 1 2)) 4)) '`(list ,(+ 1 2) 4))

;;; do, case, case-lambda, named let, when, unless

(check 25 (let ((x '(1 3 5 7 9))) (do ((x x (cdr x)) (sum 0 (+ sum (car x)))) ((null? x) sum))))
(check '((0 . 2) (1 . 1) (2 . 0))
       (do ((i 2 (- i 1)) (j 0 (+ j 1)) (r '() (cons (cons i j) r))) ((< i 0) r)))
(check 'kept (do ((k 'kept) (i 0 (+ i 1))) ((= i 3) k)))
(check '(0 1 2) (let ((fs '()))
                  (do ((i 0 (+ i 1))) ((= i 3)) (set! fs (cons (lambda () i) fs)))
                  (map (lambda (f) (f)) (reverse fs))))
(check '(prime composite other)
       (map (lambda (n) (case n ((2 3 5 7) 'prime) ((4 6 8 9) 'composite) (else 'other))) '(3 8 1)))
(check '((was 5) symbol (4 . big))
       (list (case 5 ((1) 'one) (else => (lambda (x) (list 'was x))))
             (case 'x ((x y) 'symbol) (else 'no))
             (case (expt 10 30) ((1000000000000000000000000000000) => (lambda (x) (cons 4 'big))))))
(check 'string-never (case "a" (("a") 'same) (else 'string-never)))
(check 'float (case 1.5 ((1.5) 'float) (else 'no)))
(define area
  (case-lambda ((r) (list 'circle r)) ((w h) (* w h)) ((a b . rest) (list a b rest))))
(check '((circle 3) 12 (1 2 (3 4))) (list (area 3) (area 3 4) (area 1 2 3 4)))
(check-error ((case-lambda ((a) a)) 1 2))
(check '(0 1 3 6) (let loop ((i 0) (sum 0) (r '()))
                    (if (= i 4) (reverse r) (loop (+ i 1) (+ sum i 1) (cons sum r)))))
(check '(1 2) (let* ((x 1) (y (+ x 1))) (define z y) (list x z)))
(check '(3 1 2) (let*-values (((a b) (values 1 2)) ((c) (values (+ a b)))) (list c a b)))
(check '((1 2) 3 (4)) (let-values ((all (values 1 2)) ((x . y) (values 3 4))) (list all x y)))

;;; Promises and parameters

(define-values (count-up p)
  (let ((n 0)) (values (lambda () n) (delay (begin (set! n (+ n 1)) (if (> n 3) n (force p)))))))
(check '(4 4) (list (force p) (force p)))
(check 7 (force 7))
(check '(#t #f) (list (promise? (make-promise 1)) (promise? 1)))
(check 'once (let* ((p (make-promise 'once))) (force (make-promise p))))
(define (stream-from n) (delay (cons n (stream-from (+ n 1)))))
(define (stream-ref s n) (if (= n 0) (car (force s)) (stream-ref (cdr (force s)) (- n 1))))
(check 200 (stream-ref (stream-from 0) 200))
(define (long-loop n) (if (= n 0) (delay 'done) (delay-force (long-loop (- n 1)))))
(check 'done (force (long-loop 100000)))
(define reentered
  (let ((x 5))
    (define p (delay (begin (set! x (- x 1)) (if (> x 0) (force p) 'end))))
    p))
(check 'end (force reentered))

(define radix (make-parameter 10 (lambda (x) (if (exact-integer? x) x (error "bad radix" x)))))
(check '("12" "1100" "12") (let ((f (lambda (n) (number->string n (radix)))))
                             (list (f 12) (parameterize ((radix 2)) (f 12)) (f 12))))
(check 'refused (guard (e ((error-object? e) 'refused)) (parameterize ((radix 0.5)) 1)))
(define doubled (make-parameter 1 (lambda (x) (* 2 x))))
(check '(2 6 2) (list (doubled) (parameterize ((doubled 3)) (doubled)) (doubled)))
(check '((1 2) (2 1))
       (let ((a (make-parameter 1)) (b (make-parameter 2)))
         (list (list (a) (b)) (parameterize ((a (b)) (b (a))) (list (a) (b))))))

;;; cond-expand, features, eval

(check 'r7 (cond-expand (no-such-feature 'none) (r7rs 'r7) (else 'neither)))
(check 'both (cond-expand ((and r7rs (not no-such) (library (scheme base))) 'both) (else 'no)))
(check 'missing (cond-expand ((library (no such library)) 'found) (else 'missing)))
(check 'any (cond-expand ((or no-such full-unicode) 'any)))
(check #t (and (memq 'r7rs (features)) #t))
(check '(6 3) (list (eval '(* 2 3) (environment '(scheme base)))
                    (eval '(+ 1 two) (let ((e (environment '(scheme base)))) (eval '(define two 2) e) e))))
(check-error (eval '(car '(1)) (environment '(only (scheme base) cdr))))
(check 1 (eval '(first-of '(1)) (environment '(rename (only (scheme base) car quote) (car first-of)))))
(check-error (eval '(if) (environment '(scheme base))))

(report 'syntax)
