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
(define write-line
  (case-lambda
    ((object) (write-line object (current-output-port)))
    ((object port) (write object port) (newline port))))
(define pp
  (case-lambda
    ((object) (write-line object))
    ((object port) (write-line object port))))
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

;; Run the next form of a port, and write its results if show? says so. The end-of-file object: there
;; was none; else whether what comes next may be the import that a program starts with.
(define (%run-next port source first? show?)
  (let ((forms (%read-form port source)))
    (vector-set! %prompt-state 1 #f)
    (if (eof-object? forms)
        forms
        (let ((more? (and first? (%headed? (car forms) '(define-library)))))
          (if (and first? (%starts-with-import? forms)) (%only-import!))
          (call-with-values (%compile forms (interaction-environment) source)
                            (lambda results (if show? (for-each %show results))))
          more?))))

(define (%show result)
  (if (not (eq? result (void))) (begin (write result) (newline))))

;; Standard input that is no terminal, and -e. What -e imports is there beside the rest.
(define (%run-port port name show?)
  (let ((source (%make-source name)))
    (let loop ((first? (not show?)))
      (let ((more? (%run-next port source first? show?)))
        (if (not (eof-object? more?)) (loop more?))))))

;; A prompt. Each form is run with a way back to here, for errors and interrupts, which unwinds what
;; it was in (dynamic-wind, parameterize). An interrupt passes by all handlers of the program. Where
;; a form was being read, the rest of the line is dropped.
(define (%repl port name)
  (let ((source (%make-source name)))
    (let loop ()
      (vector-set! %prompt-state 1 #t)
      (if (not (%more-input? port))
          (begin (display "> ") (flush-output-port)))
      (if (eof-object?
           (call/cc
            (lambda (leave)
              (define (back)
                (if (vector-ref %prompt-state 1) (%drop-input! port))
                (leave #f))
              (vector-set! %prompt-state 0
                           (lambda ()
                             (if (vector-ref %prompt-state 1) (newline) (%report %interruption))
                             (back)))
              (%set-handlers! (list (lambda (condition) (%report condition) (back))))
              (%catch-interrupts!)
              (%run-next port source #f #t))))
          (newline)
          (loop)))))

;; What an interrupt calls; is a form being read, not run?
(define %prompt-state (vector #f #f))
(define (%interrupted) ((vector-ref %prompt-state 0)))
(define %interruption (%make-condition "interrupted"))

(define (exit . status)
  (let loop ()
    (let ((winders (%winders)))
      (if (pair? winders)
          (begin
            (%set-winders! (cdr winders))
            ((cdar winders))
            (loop)))))
  (apply %exit status))
