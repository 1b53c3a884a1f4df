;;; SPDX-License-Identifier: MIT
;;;
;;; A compiler's passes over a large tree: the text of made-up functions is read, renamed apart,
;;; folded, and turned into code for a stack machine. A program is a ring of small units; each edit
;;; replaces its oldest by a new one. What the code computes must be what an evaluator of the source
;;; says, once when it is new and again before it goes. (compile.scm [edits [units]])

(import (scheme base) (scheme read) (scheme write) (scheme process-context) (scheme cxr) (srfi 1))

(define seed 1)
(define (random n)
  (set! seed (modulo (+ (* seed 1103515245) 12345) 2147483648))
  (modulo (quotient seed 1024) n))

;;; The source language, where a function's body may use its parameter x:
;;;   number | name | (let name e e) | (if e e e) | (op e e)    op: + - * <
;;; Numbers are kept small: every operation is modulo this.

(define bound 65521)
(define operators '#(+ - * <))
(define names '#(a b c d e f g h))

(define (make-source depth scope)
  (cond ((or (= depth 0) (and (< depth 4) (= 0 (random 5))))
         (if (= 0 (random 3))
             (random bound)
             (list-ref scope (random (length scope)))))
        ((= 0 (random 4))
         (let ((name (vector-ref names (random 8))))
           (list 'let name (make-source (- depth 1) scope)
                 (make-source (- depth 1)
                              (if (memq name scope) scope (cons name scope))))))
        ((= 0 (random 5))
         (list 'if (make-source (- depth 1) scope)
               (make-source (- depth 1) scope)
               (make-source (- depth 1) scope)))
        (else
         (list (vector-ref operators (random 4))
               (make-source (- depth 1) scope)
               (make-source (- depth 1) scope)))))

(define (operate op a b)
  (case op
    ((+) (modulo (+ a b) bound))
    ((-) (modulo (- a b) bound))
    ((*) (modulo (* a b) bound))
    ((<) (if (< a b) 1 0))
    (else (error "compile: unknown operator:" op))))

(define (evaluate e environment)
  (cond ((number? e) e)
        ((symbol? e) (cdr (assq e environment)))
        (else
         (case (car e)
           ((let)
            (evaluate (cadddr e)
                      (cons (cons (cadr e) (evaluate (caddr e) environment)) environment)))
           ((if)
            (evaluate (if (= 0 (evaluate (cadr e) environment)) (cadddr e) (caddr e))
                      environment))
           (else
            (operate (car e)
                     (evaluate (cadr e) environment)
                     (evaluate (caddr e) environment)))))))

;;; The tree that the passes work on.

(define-record-type constant (make-constant value) constant? (value constant-value))
(define-record-type variable (make-variable name number uses) variable?
  (name variable-name) (number variable-number) (uses variable-uses set-variable-uses!))
(define-record-type reference (make-reference variable) reference? (variable reference-variable))
(define-record-type binding (make-binding variable value body) binding?
  (variable binding-variable) (value binding-value) (body binding-body))
(define-record-type choice (make-choice test then else) choice?
  (test choice-test) (then choice-then) (else choice-else))
(define-record-type operation (make-operation op left right) operation?
  (op operation-op) (left operation-left) (right operation-right))

(define variables 0)

;; Pass 1: every let gets a variable of its own.
(define (rename e scope)
  (cond ((number? e) (make-constant e))
        ((symbol? e) (make-reference (cdr (assq e scope))))
        (else
         (case (car e)
           ((let)
            (let ((v (make-variable (cadr e) variables 0)))
              (set! variables (+ variables 1))
              (make-binding v (rename (caddr e) scope)
                            (rename (cadddr e) (cons (cons (cadr e) v) scope)))))
           ((if)
            (make-choice (rename (cadr e) scope)
                         (rename (caddr e) scope)
                         (rename (cadddr e) scope)))
           (else
            (make-operation (car e)
                            (rename (cadr e) scope)
                            (rename (caddr e) scope)))))))

;; Pass 2: constants are folded, also through variables; uses that stay are counted, and bindings
;; without any go.
(define (fold-constants t known)
  (cond ((constant? t) t)
        ((operation? t)
         (let ((left (fold-constants (operation-left t) known))
               (right (fold-constants (operation-right t) known)))
           (if (and (constant? left) (constant? right))
               (make-constant
                (operate (operation-op t) (constant-value left) (constant-value right)))
               (make-operation (operation-op t) left right))))
        ((reference? t)
         (let* ((v (reference-variable t)) (constant (assq v known)))
           (cond (constant (cdr constant))
                 (else
                  (set-variable-uses! v (+ 1 (variable-uses v)))
                  t))))
        ((choice? t)
         (let ((test (fold-constants (choice-test t) known)))
           (if (constant? test)
               (fold-constants (if (= 0 (constant-value test)) (choice-else t) (choice-then t))
                               known)
               (make-choice test
                            (fold-constants (choice-then t) known)
                            (fold-constants (choice-else t) known)))))
        (else
         (let ((value (fold-constants (binding-value t) known)) (v (binding-variable t)))
           (if (constant? value)
               (fold-constants (binding-body t) (cons (cons v value) known))
               (let ((body (fold-constants (binding-body t) known)))
                 (if (= 0 (variable-uses v))
                     body
                     (make-binding v value body))))))))

;; Pass 3: code, as a list built from the end: each instruction is followed by what comes next.
(define (generate t slots depth next)
  (cond ((operation? t)
         (generate (operation-left t) slots depth
                   (generate (operation-right t) slots (+ depth 1)
                             (cons (list 'operate (operation-op t)) next))))
        ((constant? t) (cons (list 'push (constant-value t)) next))
        ((reference? t) (cons (list 'load (cdr (assq (reference-variable t) slots))) next))
        ((choice? t)
         (generate (choice-test t) slots depth
                   (list (list 'branch
                               (generate (choice-then t) slots depth next)
                               (generate (choice-else t) slots depth next)))))
        (else
         (generate (binding-value t) slots depth
                   (generate (binding-body t)
                             (cons (cons (binding-variable t) depth) slots)
                             (+ depth 1)
                             (cons '(slide) next))))))

;; The machine starts with the argument on its stack.
(define (run code argument)
  (let loop ((code code) (stack (list argument)))
    (if (null? code)
        (car stack)
        (let ((instruction (car code)))
          (case (car instruction)
            ((push) (loop (cdr code) (cons (cadr instruction) stack)))
            ((load)
             (loop (cdr code)
                   (cons (list-ref stack (- (length stack) 1 (cadr instruction))) stack)))
            ((slide) (loop (cdr code) (cons (car stack) (cddr stack))))
            ((operate)
             (loop (cdr code)
                   (cons (operate (cadr instruction) (cadr stack) (car stack)) (cddr stack))))
            ((branch)
             (loop (if (= 0 (car stack)) (caddr instruction) (cadr instruction))
                   (cdr stack))))))))

;; A function: its text, and what a compiler remembers of it.
(define-record-type function
  (make-function text tree code result)
  function?
  (text function-text) (tree function-tree) (code function-code) (result function-result))

(define argument 12345)

(define (make-text depth)
  (let ((out (open-output-string)))
    (write (make-source depth '(x)) out)
    (get-output-string out)))

(define (read-text text) (read (open-input-string text)))

(define (compile text)
  (let* ((x (make-variable 'x -1 0))
         (source (read-text text))
         (tree (fold-constants (rename source (list (cons 'x x))) '())))
    (make-function text tree
                   (generate tree (list (cons x 0)) 1 '())
                   (evaluate source (list (cons 'x argument))))))

(define (check-function function)
  (unless (= (run (function-code function) argument) (function-result function))
    (error "compile: the code is wrong:" (function-text function))))

(define functions-in-unit 4)
(define depth 6)

(define (new-unit)
  (let ((unit (map (lambda (i) (compile (make-text depth))) (iota functions-in-unit))))
    (for-each check-function unit)
    unit))

(define (main edits units)
  (let ((program (make-vector units '())))
    (let loop ((i 0) (sum 0))
      (if (< i edits)
          (let ((unit (new-unit)) (slot (modulo i units)))
            (for-each check-function (vector-ref program slot))
            (vector-set! program slot unit)
            (loop (+ i 1) (modulo (apply + sum (map function-result unit)) bound)))
          (begin
            (display (list 'compile 'edits edits 'variables variables 'sum sum 'ok))
            (newline))))))

(let ((sizes (map string->number (cdr (command-line)))))
  (main (if (pair? sizes) (car sizes) 12000)
        (if (and (pair? sizes) (pair? (cdr sizes))) (cadr sizes) 280)))
