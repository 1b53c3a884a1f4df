;;; SPDX-License-Identifier: MIT
;;;
;;; Recursion without end, whatever it goes through, is an error that can be caught at --stack, and
;;; leaves nothing behind. So are macros that expand without end, and forms that are nested too
;;; deeply: bounds.scm [DEPTH], with --stack 8 --expansion 8 so that it is short.

(import (gait))
(include "check.scm")

(define (overflow? e)
  (and (error-object? e)
       (eqv? 0 (string-search (error-object-message e) "stack overflow: deeper than"))))
(define size (if (pair? (cdr (command-line))) (string->number (cadr (command-line))) 30000))

;; Twice, for what the first one leaves behind. Each form calls (f) again.
(define-syntax check-recursion
  (syntax-rules ()
    ((_ f form)
     (begin
       (check 'overflow (guard (e ((overflow? e) 'overflow)) (letrec ((f (lambda () form))) (f))))
       (check 'overflow (guard (e ((overflow? e) 'overflow)) (letrec ((f (lambda () form))) (f))))))))

(define (id x) x)
(define parameter (make-parameter 1))
(define table (alist->hash-table '((1 . 2)) equal?))

(check-recursion f (id (f)))
(check-recursion f (guard (e (#f 0)) (id (f))))
(check-recursion f (guard (e ((string? e) 0)) (id (f))))
(check-recursion f (guard (e ((symbol? e) 0)) (guard (e ((string? e) => id)) (id (f)))))
(check-recursion f (id (call/cc (lambda (k) (f)))))
(check-recursion f (id (call/cc (lambda (k) (k (f))))))
(check-recursion f (call/cc (lambda (k) (id (f)))))
(check-recursion f (dynamic-wind (lambda () 1) f (lambda () 1)))
(check-recursion f (dynamic-wind (lambda () 1) (lambda () (call/cc (lambda (k) (k (f))))) (lambda () 1)))
(check-recursion f (dynamic-wind f (lambda () 1) (lambda () 1)))
(check-recursion f (dynamic-wind (lambda () 1) (lambda () 1) f))
(check-recursion f (parameterize ((parameter 2)) (f)))
(check-recursion f (with-exception-handler raise f))
(check-recursion f (with-exception-handler (lambda (e) (raise e)) (lambda () (id (f)))))
(check-recursion f (with-exception-handler (lambda (e) (raise-continuable e)) (lambda () (id (f)))))
(check-recursion f (with-exception-handler (lambda (e) (id (f))) (lambda () (id (raise 'x)))))
(check-recursion f (with-exception-handler (lambda (e) (id (f))) (lambda () (id (raise-continuable 'x)))))
(check-recursion f (guard (e (#t (id (f)))) (raise 'x)))
(check-recursion f (call-with-values f list))
(check-recursion f (call-with-values (lambda () (values 1 2)) (lambda (a b) (id (f)))))
(check-recursion f (id (receive all (values 1 2 3) (id (f)))))
(check-recursion f (map (lambda (x) (f)) '(1 2)))
(check-recursion f (id (for-each (lambda (x y) (f)) '(1 2) '(3 4))))
(check-recursion f (vector-map (lambda (x) (f)) #(1 2)))
(check-recursion f (string-for-each (lambda (x) (f)) "ab"))
(check-recursion f (fold (lambda (x y) (f)) 0 '(1 2)))
(check-recursion f (list-tabulate 3 (lambda (i) (f))))
(check-recursion f (id (apply f '())))
(check-recursion f (apply + (list 1 (apply f '()))))
(check-recursion f (sort (list 1 2 3) (lambda (a b) (f))))
(check-recursion f (begin (hash-table-walk table (lambda (k v) (f))) 1))
(check-recursion f (begin (hash-table-update! table 1 (lambda (v) (f))) 1))
(check-recursion f (hash-table-ref table 7 (lambda () (id (f)))))
(check-recursion f (assoc 1 '((2 . 3)) (lambda (a b) (f))))
(check-recursion f (call-with-output-string (lambda (port) (f))))
(check-recursion f (with-output-to-string (lambda () (f))))
(check-recursion f (call-with-port (open-input-string "") (lambda (port) (f))))
(check-recursion f (force (delay (f))))
(check-recursion f (force (delay-force (delay (f)))))
(check-recursion f (force (make-promise (f))))
(check-recursion f (id (eval '(id 1) (begin (f) (interaction-environment)))))
(check-recursion f ((make-parameter 1 (lambda (x) (f)))))
(check-recursion f (vector-binary-search #(1 2 3) 1 (lambda (a b) (id (f)))))

;; By eval and load, which compile.
(define (again) (id (eval '(again) (interaction-environment))))
(eval (list 'define 'again again) (interaction-environment))
(check 'overflow (guard (e ((overflow? e) 'overflow)) (again)))
(let ((name (temporary-name)))
  (call-with-output-file name (lambda (port) (write '(begin (load-again) 1) port)))
  (eval `(define (load-again) (load ,name) 1) (interaction-environment))
  (check 'overflow (guard (e ((overflow? e) 'overflow)) (eval '(load-again) (interaction-environment))))
  (delete-file name))

;; Handlers have room above what is too deep.
(define (deep n) (if (= n 0) 0 (+ 1 (deep (- n 1)))))
(define (runs-over) (id (runs-over)))
(check 3000 (call/cc (lambda (k) (with-exception-handler (lambda (e) (k (deep 3000))) runs-over))))
(check '(outer #t)
       (guard (e (#t (list 'outer (overflow? e))))
         (with-exception-handler (lambda (e) (runs-over)) runs-over)))
(check "handler returned from non-continuable raise"
       (guard (e (#t (error-object-message e)))
         (letrec ((f (lambda () (with-exception-handler (lambda (e) 'back) (lambda () (id (f))))))) (f))))
(check 'inner (guard (e (#t 'outer)) (guard (e ((overflow? e) 'inner)) (runs-over))))
(check 'outer (guard (e ((overflow? e) 'outer)) (guard (e ((string? e) 'inner)) (runs-over))))
(check '(after) (let ((log '()))
                  (guard (e (#t (reverse log)))
                    (dynamic-wind (lambda () 1) runs-over (lambda () (set! log (cons 'after log)))))))

;; Winders and parameters are as before.
(check 1 (parameter))
(check #t (let ((in 0) (out 0))
            (define (f)
              (id (dynamic-wind (lambda () (set! in (+ in 1))) f (lambda () (set! out (+ out 1))))))
            (guard (e (#t #t)) (f))
            (and (> in 1000) (= in out))))

;; Frames that are returned to don't count: 400 times 1 MiB in turn, on top of each other.
(define (steps n) (if (= n 0) 0 (begin (deep size) (+ 1 (steps (- n 1))))))
(check 400 (steps 400))
(define (captured-steps n)
  (if (= n 0) 0 (begin (call/cc (lambda (k) (deep size) (k 1))) (+ 1 (captured-steps (- n 1))))))
(check 400 (captured-steps 400))
;; And a continuation that shares them is what it was.
(check '(3 2 1)
       (let* ((again #f) (log '()) (left 3)
              (n (+ 1 (call/cc (lambda (k) (deep size) (set! again k) 0)))))
         (set! log (cons left log))
         (deep size)
         (set! left (- left 1))
         (if (> left 0) (again 0) (list 3 2 1))))

;; Many values, many arguments, wherever the stack's end is.
(define (many n)
  (if (= n 0)
      0
      (call-with-values (lambda () (values n 1)) (lambda (a b) (+ b (many (- a 1)))))))
(check size (many size))
(define (spread n)
  (if (= n 0) 0 (+ (call-with-values (lambda () (apply values (make-list 1000 1))) (lambda l (car l)))
                   (spread (- n 1)))))
(check size (spread size))

;;; Macros

(define (run form)
  (guard (e ((error-object? e) (error-object-message e)))
    (eval form (interaction-environment))))

;; (check-macro name form …): an error says which macro it was, wherever the forms are.
(define (says? name message)
  (and (string? message)
       (eqv? 0 (string-search message (string-append "macro " name)))
       (or (string-search message ": what it expands to is nested too deeply")
           (string-search message (string-append ": its expansion has no end, or takes more than "
                                                 mib " MiB (--expansion)")))))
(define mib (if (< size 30000) "1" "8"))
(define-syntax check-macro
  (syntax-rules ()
    ((_ name form ...)
     (begin
       (check #t (number? (says? name (run '(begin form ...)))))
       (check #t (number? (says? name (run '(let () form ... 1)))))
       (check #t (number? (says? name (run '(define-library (l) (import (scheme base)) (begin form ...))))))))))

(check-macro "m" (define-syntax m (syntax-rules () ((_) (m)))) (m))
(check-macro "m" (define-syntax m (syntax-rules () ((_ x) (m x)))) (m 1))
(check-macro "m" (define-syntax m (syntax-rules () ((_ x) (m (x x))))) (m 1))
(check-macro "m" (define-syntax m (syntax-rules () ((_ . x) (m . x)))) (m 1 2 3))
(check-macro "m" (define-syntax m (syntax-rules etc () ((_ x etc) (m x etc x etc)))) (m 1))
(check-macro "m" (define-syntax m (syntax-rules () ((_ x) (m #(x x))))) (m 1))
(check-macro ""
  (define-syntax a (syntax-rules () ((_ x) (b x))))
  (define-syntax b (syntax-rules () ((_ x) (a x))))
  (a 1))
(check-macro "m" (define-syntax m (syntax-rules () ((_ x) (m x)))) (define-syntax n (m 1)))
(check-macro "m" (letrec-syntax ((m (syntax-rules () ((_ x) (m x))))) (m 1)))
(check-macro "m" (define-syntax m (syntax-rules () ((_ x) (+ 1 (m x))))) (m 1))
(check-macro "m" (define-syntax m (syntax-rules () ((_ x) (begin (m x) (m x))))) (m 1))
(check-macro "m" (define-syntax m (syntax-rules () ((_ x) (lambda (x) (m x))))) (m y))
(check-macro "m" (define-syntax m (syntax-rules () ((_ x) (let () (define y (m x)) y)))) (m 1))
(check-macro "guard, in an expansion of m"
  (define-syntax m (syntax-rules () ((_ x) (guard (e (#t 1)) (m x)))))
  (m 1))

;; They end, after 2^24 expansions.
(check-macro "m"
  (define-syntax m (syntax-rules () ((_ () x) x) ((_ (a . b) x) (begin (m b x) (m b x)))))
  (m (1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24) 1))
(check-macro "m"
  (define-syntax m
    (syntax-rules ()
      ((_ () x) x)
      ((_ (a . b) x) (let () (define c (let () (m b x))) (define d (let () (m b x))) d))))
  (m (1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24) 1))
;; Many that end take no more than each.
(check 5 (begin
           (run '(define-syntax count (syntax-rules () ((_ () n) n) ((_ (a . b) n) (count b n)))))
           (let loop ((i 0))
             (if (< i 200)
                 (begin (run `(count ,(make-list 100 'x) 5)) (loop (+ i 1)))
                 (run '(count (a b c) 5))))))
(check "macro m: no rule matches"
       (run (let ((ring (list 1 2))) (set-cdr! (cdr ring) ring)
              `(let-syntax ((m (syntax-rules () ((_ x (... ...)) 1)))) (m . ,ring)))))

;;; Forms

(define (nest n around inner)
  (let loop ((n n) (form inner)) (if (= n 0) form (loop (- n 1) (append around (list form))))))
(for-each
 (lambda (around)
   (check "forms are nested too deeply" (run (nest 100000 around 1))))
 '((+ 1) (if 1) (begin) (and 1) (or #f) (when 1) (let ((x 1))) (let* ((x 1) (y 2))) (letrec ((x 1)))
   (let loop ((i 0))) (lambda (x)) (case-lambda) (case 1 ((1) 2)) (do ((i 0 1)) (#t)) (delay)
   (set! x) (parameterize ()) (quasiquote)))
(check "forms are nested too deeply" (run (cons 'cond (make-list 300000 '(#f 1)))))
(check "forms are nested too deeply" (run (cons 'and (make-list 300000 #t))))
(check "forms are nested too deeply" (run (list 'quasiquote (make-list 300000 '(unquote 1)))))
(check "forms are nested too deeply"
       (run (list 'import (nest 300000 '(only) '(scheme base)))))
(check "forms are nested too deeply"
       (run (list 'cond-expand (list (nest 300000 '(not) 'r7rs) 1))))
(check "macro m: what it expands to is nested too deeply"
       (run (list 'let-syntax '((m (syntax-rules () ((_ x) 'x)))) (list 'm (nest 1000000 '() 1)))))
(check 20000 (length (run (list 'let (map (lambda (i) (list (string->symbol (number->string i)) i)) (iota 1000))
                                (cons 'list (make-list 20000 1))))))
(check 3 (run (nest 1000 '(let ((x 1))) 3)))
(check 1001 (run (nest 1000 '(+ 1) 1)))

(gc)
(check #t (< (gc-statistic "heap_live_bytes") 30000000))

(report 'bounds)
