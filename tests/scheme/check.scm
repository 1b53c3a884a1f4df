;;; SPDX-License-Identifier: MIT
;;;
;;; What the test programs share: (check wanted expression) compares with equal?, and (check-error
;;; expression) wants an error. (report name) prints the counts, and exits with 1 on a failure.

(define passed 0)
(define failed 0)

(define (note-result! form wanted got ok?)
  (if ok?
      (set! passed (+ passed 1))
      (begin
        (set! failed (+ failed 1))
        (display "FAILED: ")
        (write form)
        (display " wanted ")
        (write wanted)
        (display " got ")
        (write got)
        (newline))))

(define-syntax check
  (syntax-rules ()
    ((_ wanted expression)
     (let ((w wanted)
           (g (guard (e (#t (list 'raised e (if (error-object? e) (error-object-message e) #f)
                                  (if (error-object? e) (error-object-irritants e) #f))))
                expression)))
       (note-result! 'expression w g (equal? w g))))))

(define-syntax check-error
  (syntax-rules ()
    ((_ expression)
     (let ((g (guard (e (#t (list 'error-was-raised))) expression)))
       (note-result! 'expression 'an-error g (equal? g '(error-was-raised)))))))

;; For flonums that need not be exact to the last bit.
(define-syntax check-near
  (syntax-rules ()
    ((_ wanted expression)
     (let ((w wanted) (g expression))
       (note-result! 'expression w g
                     (and (number? g) (< (abs (- g w)) (* 1e-12 (+ 1 (abs w))))))))))

;; A file of this process alone.
(define (temporary-name)
  (string-append (or (get-environment-variable "TMPDIR") "/tmp")
                 "/gait-scheme-" (number->string (current-jiffy) 36)))

(define (report name)
  (display (list name 'passed passed 'failed failed))
  (newline)
  (exit (if (= failed 0) 0 1)))
