;;; SPDX-License-Identifier: MIT
;;;
;;; Compiling, again and again: a file of made-up functions is written, and loaded in each round.
;;; What they compute is checked. Next to all that is allocated is syntax. (load.scm [functions
;;; [rounds]])

(import (scheme base) (scheme write) (scheme file) (scheme load) (scheme time) (scheme repl)
        (scheme eval) (scheme process-context))

(define file-name
  (string-append (or (get-environment-variable "TMPDIR") "/tmp") "/gait-load-"
                 (number->string (current-jiffy)) ".scm"))

(define (name i) (string->symbol (string-append "f" (number->string i))))

;;; A function of x with a constant k, in one of several shapes; and what it should return.

(define (make-function i k)
  (case (modulo i 4)
    ((0) `(define (,(name i) x)
            (let* ((a (+ x ,k)) (b (* a 2)))
              (cond ((assv (modulo x 3) '((0 zero 1) (1 one 2) (2 two 3)))
                     => (lambda (entry) (+ b (list-ref entry 2))))
                    (else (error "no such entry:" x))))))
    ((1) `(define (,(name i) x)
            (do ((i 0 (+ i 1)) (sum ,k (+ sum x)))
                ((= i 10) sum)
              (unless (and (exact? sum) (or (< i 10) (= i 10)))
                (error "out of bounds:" i sum)))))
    ((2) `(define (,(name i) x)
            (let ((n 0))
              (repeat ,(+ 1 (modulo k 5))
                      (set! n (+ n x))
                      (when (> n 1000000) (set! n 0)))
              (case (modulo n 4)
                ((0 1) (list n 'low))
                ((2 3) (list n 'high))
                (else (list n 'none))))))
    (else `(define (,(name i) x)
             (let-values (((a b) (values x ,k)))
               (apply + `(,a ,b ,@(map (lambda (y) (* y a)) '(1 2 3)))))))))

(define (result i k x)
  (case (modulo i 4)
    ((0) (+ (* 2 (+ x k)) (modulo x 3) 1))
    ((1) (+ k (* 10 x)))
    ((2) (let ((n (* x (+ 1 (modulo k 5))))) (list n (if (< (modulo n 4) 2) 'low 'high))))
    (else (+ (* 7 x) k))))

(define macro
  '(define-syntax repeat
     (syntax-rules ()
       ((_ times body ...)
        (let loop ((i times))
          (if (> i 0) (begin body ... (loop (- i 1)))))))))

(define (constant i) (modulo (* i 7919) 1009))

(define (write-functions count)
  (call-with-output-file file-name
    (lambda (port)
      (write macro port)
      (newline port)
      (do ((i 0 (+ i 1)))
          ((= i count))
        (write (make-function i (constant i)) port)
        (newline port)))))

(define (check-functions count x)
  (do ((i 0 (+ i 1)))
      ((= i count))
    (let ((got ((eval (name i) (interaction-environment)) x)))
      (unless (equal? got (result i (constant i) x))
        (error "load: wrong result:" (name i) x got)))))

(define (main count rounds)
  (write-functions count)
  (do ((round 0 (+ round 1)))
      ((= round rounds))
    (load file-name)
    (check-functions count round))
  (delete-file file-name)
  (display (list 'load 'functions count 'rounds rounds 'ok))
  (newline))

(let ((sizes (map string->number (cdr (command-line)))))
  (main (if (pair? sizes) (car sizes) 400)
        (if (and (pair? sizes) (pair? (cdr sizes))) (cadr sizes) 40)))
