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
    ((form environment) ((%compile (list form) environment #f)))))

(define (environment . sets)
  (let ((result (%new-environment)))
    (eval (cons 'import sets) result)
    result))
(define (scheme-report-environment . version) (environment '(scheme r5rs)))
(define (null-environment . version)
  (environment '(only (scheme r5rs)
                      and begin case cond define define-syntax delay do else if lambda let let*
                      let-syntax letrec letrec-syntax or quasiquote quote set! syntax-rules => ...
                      _)))
(define (system-global-environment) (interaction-environment))

(define (%source-forms name source)
  (let* ((port (open-input-file name)) (forms (%read-source port source)))
    (close-port port)
    forms))

(define (%headed? form names)
  (and (pair? form) (memq (car form) names)))

;; Imports come first: what else the program defines may have the same names.
(define (%run-forms forms environment source)
  (let loop ((forms forms) (importing? #t))
    (cond ((null? forms) (void))
          ((and importing? (not (%headed? (car forms) '(import define-library))))
           (%announce environment forms)
           (loop forms #f))
          (else
           ((%compile forms environment source))
           (loop (cdr forms) importing?)))))

;; The file whose forms are run, beside which others are looked for that it loads.
(define %loading (make-parameter #f))

(define load
  (case-lambda
    ((name) (load name (interaction-environment)))
    ((name environment)
     (let* ((path (%beside (%loading) name)) (source (%make-source path)))
       (let ((forms (%source-forms path source)))
         (parameterize ((%loading path)) (%run-forms forms environment source)))))))

;; Run the body of a library that was read from a file, if it was not yet. One that leaves it in the
;; middle will be read anew.
(define (%instantiate library)
  (let ((body (%library-body! library)) (done? #f))
    (if body
        (dynamic-wind void
                      (lambda () (body) (set! done? #t))
                      (lambda () (if (not done?) (%library-forget! library)))))))

;; A program that starts with an import, perhaps after libraries of its own, sees nothing else.
(define (%starts-with-import? forms)
  (cond ((null? forms) #f)
        ((%headed? (car forms) '(define-library)) (%starts-with-import? (cdr forms)))
        (else (%headed? (car forms) '(import)))))

(define (%run-program name)
  (let* ((source (%make-source name)) (forms (%source-forms name source)))
    (if (%starts-with-import? forms) (%only-import!))
    (parameterize ((%loading name)) (%run-forms forms (interaction-environment) source))))

;; Forms from a port as they come. At a prompt, or to show them, results are written, and an import
;; adds to what is there.
(define (%repl port name prompt? show?)
  (let ((source (%make-source name)) (environment (interaction-environment)))
    (define (show result)
      (if (not (eq? result (void))) (begin (write result) (newline))))
    (let loop ((first? (not show?)))
      (if prompt? (begin (display "> ") (flush-output-port)))
      (let ((forms (%read-form port source)))
        (if (not (eof-object? forms))
            (let ((more? (and first? (%headed? (car forms) '(define-library)))))
              (if (and first? (%starts-with-import? forms)) (%only-import!))
              (call-with-values (%compile forms environment source)
                                (lambda results (if show? (for-each show results))))
              (loop more?)))))))

(define (exit . status)
  (let loop ()
    (let ((winders (%winders)))
      (if (pair? winders)
          (begin
            (%set-winders! (cdr winders))
            ((cdar winders))
            (loop)))))
  (apply %exit status))
