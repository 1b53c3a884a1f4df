;;; SPDX-License-Identifier: MIT
;;;
;;; Recursion without end, whatever it goes through, is an error that can be caught at --stack, and
;;; leaves nothing behind: bounds.scm [DEPTH], with --stack 8 so that it is short.

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

(gc)
(check #t (< (gc-statistic "heap_live_bytes") 30000000))

(report 'bounds)
