;;; SPDX-License-Identifier: MIT
;;;
;;; Ports, and programs: eval, load, exit.

;;; Ports

(define (call-with-port port f)
  (let ((result (f port)))
    (close-port port)
    result))
(define (call-with-input-file name f) (call-with-port (open-input-file name) f))
(define (call-with-output-file name f) (call-with-port (open-output-file name) f))
(define (with-input-from-file name thunk)
  (let* ((port (open-input-file name))
         (result (parameterize ((current-input-port port)) (thunk))))
    (close-port port)
    result))
(define (with-output-to-file name thunk)
  (let* ((port (open-output-file name))
         (result (parameterize ((current-output-port port)) (thunk))))
    (close-port port)
    result))
(define (call-with-output-string f)
  (let ((port (open-output-string)))
    (f port)
    (get-output-string port)))
(define (with-output-to-string thunk)
  (let ((port (open-output-string)))
    (parameterize ((current-output-port port)) (thunk))
    (get-output-string port)))
(define (write-line object . port)
  (apply write object port)
  (apply newline port))
(define (pp object . port)
  (apply write object port)
  (apply newline port))
(define fresh-line newline)

;;; Evaluation

(define eval
  (case-lambda
    ((form) (eval form (interaction-environment)))
    ((form environment) ((%compile form environment #f)))))

(define (environment . sets)
  (let ((result (%new-environment)))
    (for-each (lambda (set) (eval (list 'import set) result)) sets)
    result))
(define (scheme-report-environment . version) (%new-environment))
(define (null-environment . version) (%new-environment))
(define (system-global-environment) (interaction-environment))

(define load
  (case-lambda
    ((name) (load name (interaction-environment)))
    ((name environment)
     (let* ((source (%make-source name))
            (port (open-input-file name))
            (forms (%read-source port source)))
       (close-port port)
       (%announce forms environment)
       (let loop ((forms forms))
         (if (pair? forms)
             (begin
               ((%compile (car forms) environment source))
               (loop (cdr forms)))))))))

;; Forms from a port as they come; each result is printed where somebody is typing.
(define (%repl port interactive?)
  (let ((source (%make-source "standard input")) (environment (interaction-environment)))
    (let loop ()
      (if interactive? (begin (display "> ") (flush-output-port)))
      (let ((form (%read port source)))
        (if (not (eof-object? form))
            (let ((result ((%compile form environment source))))
              (if (and interactive? (not (eq? result (void))))
                  (begin (write result) (newline)))
              (loop)))))))

(define (exit . status)
  (let loop ()
    (let ((winders (%winders)))
      (if (pair? winders)
          (begin
            (%set-winders! (cdr winders))
            ((cdar winders))
            (loop)))))
  (apply %exit status))
