;;; SPDX-License-Identifier: MIT
;;;
;;; What outlives the form that it stands in: the text of each form, and what it expands to, is gone
;;; when the form is compiled. (No error is caught before the end: that captures a continuation, and
;;; then forms are kept.)

(import (scheme base) (scheme write) (scheme read) (scheme file) (scheme eval) (scheme repl)
        (scheme load) (scheme time) (scheme process-context))

(define failed 0)
(define passed 0)
(define (expect wanted got)
  (if (equal? wanted got)
      (set! passed (+ passed 1))
      (begin
        (set! failed (+ failed 1))
        (display "FAILED: wanted ")
        (write wanted)
        (display " got ")
        (write got)
        (newline))))

;;; Made here, looked at below

(define quoted '(1 (2 "three" #(four (five "six") 6.5 12345678901234567890)) () . 7))
(define vector-constant #((a b) #((c) #()) "s" #u8(1 2)))
(define shared '(#0=(x (y)) #0# #(#0#)))
(define cyclic '#1=(a #2=(b . #1#) #2#))
(define deep '((((((((((bottom)))))))))))
(define quasi `(1 ,@(list 2 3) (4 (5) ,(+ 1 5)) #(7 (8) ,(* 3 3)) . tail))

(define-syntax both
  (syntax-rules (=> #(marker))
    ((_ (a b) => #(c ...) d ...) '((a . b) #(c ... (a)) (d #(d)) ...))
    ((_ x) '(x "text" #(x (x)) end))))
(define-syntax define-both
  (syntax-rules ()
    ((_ name body)
     (define-syntax name
       (syntax-rules ()
         ((_ y) (let ((t 'body)) (list t 'y '(y body)))))))))
(define-both inner (in (ner)))

(define (local)
  (define-syntax twice (syntax-rules () ((_ e) (list e e '(e "twice")))))
  (let-syntax ((thrice (syntax-rules () ((_ e) (cons 'e (twice e))))))
    (thrice (quote (l m)))))

(define (chosen x)
  (case x
    ((1 2) '(low (one two)))
    (((3 4) "no") 'never)
    ((word) => (lambda (w) (list w '#(is (word)))))
    (else '(#(else)))))

(define-record-type <point> (make-point x y) point? (x point-x set-point-x!) (y point-y))

(define-library (test kept (1))
  (export a (rename b c) pair-of)
  (import (scheme base))
  (begin
    (define a '(library (quoted)))
    (define b #((in a) vector))
    (define-syntax pair-of (syntax-rules () ((_ p q) '(p . #(q (a))))))))
(import (prefix (test kept (1)) kept-))

(define evaluated
  (eval '(let loop ((i 0)) (if (< i 3) (loop (+ i 1)) '(eval (ed) #(i))))
        (interaction-environment)))
(define a-list (list 'mine (list 'own)))
(define same (eval (list 'quote a-list) (interaction-environment)))
(eval '(define-syntax evaluated-macro (syntax-rules () ((_ z) '(z (z) #(z)))))
      (interaction-environment))

;;; Other forms, and garbage, in what memory these had

(define (churn n)
  (if (> n 0)
      (let ((name (string->symbol (string-append "churn" (number->string (modulo n 50))))))
        (eval `(define (,name x)
                 (let* ((y (list x ,n)) (z (vector y y)))
                   (cons '(over (written) ,n) z)))
              (interaction-environment))
        (make-vector 2000 n)
        (churn (- n 1)))))
(churn 3000)

(expect (list 1 (list 2 "three" (vector 'four (list 'five "six") 6.5 12345678901234567890)) '())
        (list (car quoted) (cadr quoted) (car (cddr quoted))))
(expect 7 (cdr (cddr quoted)))
(expect (vector (list 'a 'b) (vector (list 'c) (vector)) "s" (bytevector 1 2)) vector-constant)
(expect #t (and (eq? (car shared) (cadr shared))
                (eq? (car shared) (vector-ref (car (cddr shared)) 0))))
(expect (list 'x (list 'y)) (car shared))
(expect #t (and (eq? cyclic (cdr (cadr cyclic))) (eq? (cadr cyclic) (car (cddr cyclic)))))
(expect (list (list (list (list (list (list (list (list (list (list 'bottom)))))))))) deep)
(expect (cons 1 (cons 2 (cons 3 (cons (list 4 (list 5) 6) (cons (vector 7 (list 8) 9) 'tail))))) quasi)
(expect (list (cons 'p 'q) (vector 'r 's (list 'p)) (list 't (vector 't)) (list 'u (vector 'u)))
        (both (p q) => #(r s) t u))
(expect (list 'v "text" (vector 'v (list 'v)) 'end) (both v))
(expect (list (list 'in (list 'ner)) 'z (list 'z (list 'in (list 'ner)))) (inner z))
(expect '((quote (l m)) (l m) (l m) ((quote (l m)) "twice")) (local))
(expect '((low (one two)) (word #(is (word))) (#(else))) (list (chosen 2) (chosen 'word) (chosen 9)))
(expect '(4 5 #t)
        (let ((p (make-point 3 5)))
          (set-point-x! p 4)
          (list (point-x p) (point-y p) (point? p))))
(expect '((library (quoted)) #((in a) vector) (m . #(n (a)))) (list kept-a kept-c (kept-pair-of m n)))
(expect '(eval (ed) #(i)) evaluated)
(expect #t (eq? a-list same))
(expect '(w (w) #(w)) (eval '(evaluated-macro w) (interaction-environment)))

;;; Files: what an error says of a form, and forms that a continuation comes back to

(define name
  (string-append (or (get-environment-variable "TMPDIR") "/tmp") "/gait-arenas-"
                 (number->string (current-jiffy) 36)))
(define (write-file . forms)
  (call-with-output-file name
    (lambda (port)
      (for-each (lambda (form) (write form port) (newline port)) forms))))

(write-file '(define before '(still (here))) '(if 1 2 3 (4 "five" #(v))))
(define irritants
  (call-with-current-continuation
   (lambda (k)
     (with-exception-handler
      (lambda (e) (k (error-object-irritants e)))
      (lambda () (load name) 'no-error)))))
(churn 300)
(expect '((if 1 2 3 (4 "five" #(v)))) irritants)
(expect '(still (here)) before)

(define again #f)
(define count 0)
(write-file '(define first '(first (form)))
            '(call-with-current-continuation (lambda (k) (set! again k)))
            '(set! count (+ count (vector-length #(one (two) three))))
            '(define last (list 'last '(form) count)))
(load name)
(churn 300)
(if (< count 9) (again #f))
(expect '(9 (last (form) 9) (first (form))) (list count last first))

(delete-file name)
(display (list 'arenas 'passed passed 'failed failed))
(newline)
(exit (if (= failed 0) 0 1))
