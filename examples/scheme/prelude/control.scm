;;; SPDX-License-Identifier: MIT
;;;
;;; Control structures: continuations, exceptions, multiple values, parameters, promises.
;;;
;;; The prelude is the part of the standard procedures that is written in Scheme: what calls
;;; procedures, and what control structures are made of. Compiled when the interpreter starts; the
;;; names that start with % are its own.

;;; Procedures and continuations

(define (apply f first . rest)
  (if (null? rest)
      (%apply f first)
      (%apply f (%spread first rest))))
(define (%spread first rest)
  (if (null? rest)
      first
      (cons first (%spread (car rest) (cdr rest)))))

(define (call-with-values producer consumer)
  (%apply-values consumer (producer)))

(define (call-with-current-continuation f) (%call/cc f))
(define call/cc call-with-current-continuation)

(define (dynamic-wind before thunk after)
  (before)
  (%set-winders! (cons (cons before after) (%winders)))
  (let ((result (thunk)))
    (%set-winders! (cdr (%winders)))
    (after)
    result))

;; From the winders here to those of the continuation k: out of what both don't share, then in.
(define (%rewind k arguments)
  (let* ((here (%winders)) (target (%continuation-winders k))
         (m (length here)) (n (length target)) (shorter (min m n))
         (common (let loop ((a (list-tail here (- m shorter)))
                            (b (list-tail target (- n shorter))))
                   (if (eq? a b) a (loop (cdr a) (cdr b))))))
    (let out ()
      (let ((winders (%winders)))
        (if (not (eq? winders common))
            (begin
              (%set-winders! (cdr winders))
              ((cdar winders))
              (out)))))
    (let in ((way (let loop ((winders target) (way '()))
                    (if (eq? winders common) way (loop (cdr winders) (cons winders way))))))
      (if (pair? way)
          (begin
            ((caaar way))
            (%set-winders! (car way))
            (in (cdr way)))))
    (let ((result (apply values arguments)))
      (%throw k result))))

;; Variables that have other values while the body runs, however it is left and come back to.
(define-syntax fluid-let
  (syntax-rules ()
    ((_ () form ...) (let () form ...))
    ((_ ((name value) ...) form ...) (%fluid-let () ((name value) ...) form ...))))
(define-syntax %fluid-let
  (syntax-rules ()
    ((_ ((name value inside) ...) () form ...)
     (let ((inside value) ...)
       (define (swap!)
         (let ((outside name)) (set! name inside) (set! inside outside)) ...)
       (dynamic-wind swap! (lambda () form ...) swap!)))
    ((_ (done ...) ((name value) rest ...) form ...)
     (%fluid-let (done ... (name value inside)) (rest ...) form ...))))

;;; Exceptions

(define (with-exception-handler handler thunk)
  (if (not (procedure? handler))
      (error "with-exception-handler: not a procedure:" handler))
  (let ((outer (%handlers)))
    (%set-handlers! (cons handler outer))
    (let ((result (thunk)))
      (%set-handlers! outer)
      result)))

(define (raise object)
  (let ((handlers (%handlers)))
    (if (null? handlers)
        (%uncaught object)
        (begin
          (%set-handlers! (cdr handlers))
          ((car handlers) object)
          (raise (%make-condition "handler returned from non-continuable raise" object))))))

(define (raise-continuable object)
  (let ((handlers (%handlers)))
    (if (null? handlers)
        (%uncaught object)
        (begin
          (%set-handlers! (cdr handlers))
          (let ((result ((car handlers) object)))
            (%set-handlers! handlers)
            result)))))

(define-syntax guard
  (syntax-rules ()
    ((_ (name clause ...) form ...)
     ((call/cc
       (lambda (leave)
         (with-exception-handler
          (lambda (condition)
            ((call/cc
              (lambda (return)
                (leave
                 (lambda ()
                   (let ((name condition))
                     (%guard-clauses (%raise-again return condition) clause ...))))))))
          (lambda ()
            (let ((result (let () form ...)))
              (leave (lambda () result)))))))))))

;; No clause took it: back to where it was raised. An overflow of the stack goes on from here, for
;; there it is too deep.
(define (%raise-again return condition)
  (if (%stack-overflow? condition)
      (raise condition)
      (return (lambda () (raise-continuable condition)))))

(define-syntax %guard-clauses
  (syntax-rules (else =>)
    ((_ reraise) reraise)
    ((_ reraise (else form ...)) (begin form ...))
    ((_ reraise (test => receiver) clause ...)
     (let ((t test))
       (if t (receiver t) (%guard-clauses reraise clause ...))))
    ((_ reraise (test) clause ...)
     (or test (%guard-clauses reraise clause ...)))
    ((_ reraise (test form ...) clause ...)
     (if test (begin form ...) (%guard-clauses reraise clause ...)))))

(define (error-message condition) (error-object-message condition))

;;; Multiple values

(define-syntax receive
  (syntax-rules ()
    ((_ formals expression form ...)
     (call-with-values (lambda () expression) (lambda formals form ...)))))

(define-syntax let*-values
  (syntax-rules ()
    ((_ () form ...) (let () form ...))
    ((_ ((formals expression) binding ...) form ...)
     (call-with-values (lambda () expression)
                       (lambda formals (let*-values (binding ...) form ...))))))

(define-syntax let-values
  (syntax-rules ()
    ((_ (binding ...) form ...) (%let-values (binding ...) () (let () form ...)))))

;; Binds temporaries first, so that no expression sees the new names.
(define-syntax %let-values
  (syntax-rules ()
    ((_ () ((name temporary) ...) body) (let ((name temporary) ...) body))
    ((_ ((formals expression) binding ...) pairs body)
     (%let-formals formals () expression (binding ...) pairs body))))

(define-syntax %let-formals
  (syntax-rules ()
    ((_ () temporaries expression bindings pairs body)
     (call-with-values (lambda () expression)
                       (lambda temporaries (%let-values bindings pairs body))))
    ((_ (name . rest) (temporary ...) expression bindings (pair ...) body)
     (%let-formals rest (temporary ... t) expression bindings (pair ... (name t)) body))
    ((_ name (temporary ...) expression bindings (pair ...) body)
     (call-with-values (lambda () expression)
                       (lambda (temporary ... . t)
                         (%let-values bindings (pair ... (name t)) body))))))

;;; Parameters and promises

(define (make-parameter init . converter)
  (if (null? converter)
      (%make-parameter init #f)
      (%make-parameter ((car converter) init) (car converter))))

(define (%parameterize bindings thunk)
  (define (convert binding)
    (let ((converter (%parameter-converter (car binding))))
      (cons (car binding) (if converter (converter (cdr binding)) (cdr binding)))))
  (define (swap! bindings)
    (if (pair? bindings)
        (let* ((parameter (caar bindings)) (old (parameter)))
          (%parameter-set! parameter (cdar bindings))
          (set-cdr! (car bindings) old)
          (swap! (cdr bindings)))))
  (let ((bindings (map convert bindings)))
    (dynamic-wind (lambda () (swap! bindings)) thunk (lambda () (swap! bindings)))))

(define (make-promise object)
  (if (promise? object) object (%make-promise #t object)))

(define (force promise)
  (if (promise? promise)
      (let loop ()
        (let ((content (%promise-content promise)))
          (if (car content)
              (cdr content)
              (let ((next ((cdr content))))
                (if (not (car (%promise-content promise)))
                    (%promise-join! promise next))
                (loop)))))
      promise))

(define-syntax cons-stream
  (syntax-rules () ((_ head tail) (cons head (delay tail)))))
