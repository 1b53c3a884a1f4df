;;; SPDX-License-Identifier: MIT
;;;
;;; A compiler's passes over a large tree: made-up functions are renamed apart, folded, cut into
;;; simple steps, and turned into code for a stack machine. What the code computes must be what an
;;; evaluator of the source says. (compile.scm [rounds [functions in each]])

(import (scheme base) (scheme write) (scheme process-context))

(define seed 1)
(define (random n)
  (set! seed (modulo (+ (* seed 1103515245) 12345) 2147483648))
  (modulo (quotient seed 1024) n))

;;; The source language:
;;;   number | name | (let name e e) | (if e e e) | (op e e)    op: + - * <
;;; Numbers are kept small: every operation is modulo this.

(define bound 65521)
(define operators '#(+ - * <))
(define names '#(a b c d e f g h))

(define (make-source depth scope)
  (cond ((or (= depth 0) (= 0 (random 12)))
         (if (or (null? scope) (= 0 (random 3)))
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

;; Pass 2: constants are folded, also through variables.
(define (fold-constants t known)
  (cond ((constant? t) t)
        ((reference? t)
         (let ((constant (assq (reference-variable t) known)))
           (if constant (cdr constant) t)))
        ((binding? t)
         (let ((value (fold-constants (binding-value t) known)) (v (binding-variable t)))
           (if (constant? value)
               (fold-constants (binding-body t) (cons (cons v value) known))
               (make-binding v value (fold-constants (binding-body t) known)))))
        ((choice? t)
         (let ((test (fold-constants (choice-test t) known)))
           (if (constant? test)
               (fold-constants (if (= 0 (constant-value test)) (choice-else t) (choice-then t))
                               known)
               (make-choice test
                            (fold-constants (choice-then t) known)
                            (fold-constants (choice-else t) known)))))
        (else
         (let ((left (fold-constants (operation-left t) known))
               (right (fold-constants (operation-right t) known)))
           (if (and (constant? left) (constant? right))
               (make-constant
                (operate (operation-op t) (constant-value left) (constant-value right)))
               (make-operation (operation-op t) left right))))))

;; Pass 3: uses are counted; bindings that nobody uses go.
(define (count-uses! t)
  (cond ((reference? t)
         (let ((v (reference-variable t)))
           (set-variable-uses! v (+ 1 (variable-uses v)))))
        ((binding? t)
         (count-uses! (binding-value t))
         (count-uses! (binding-body t)))
        ((choice? t)
         (count-uses! (choice-test t))
         (count-uses! (choice-then t))
         (count-uses! (choice-else t)))
        ((operation? t)
         (count-uses! (operation-left t))
         (count-uses! (operation-right t)))))

(define (drop-unused t)
  (cond ((binding? t)
         (if (= 0 (variable-uses (binding-variable t)))
             (drop-unused (binding-body t))
             (make-binding (binding-variable t)
                           (drop-unused (binding-value t))
                           (drop-unused (binding-body t)))))
        ((choice? t)
         (make-choice (drop-unused (choice-test t))
                      (drop-unused (choice-then t))
                      (drop-unused (choice-else t))))
        ((operation? t)
         (make-operation (operation-op t)
                         (drop-unused (operation-left t))
                         (drop-unused (operation-right t))))
        (else t)))

;; Pass 4: code, as a list built from the end: each instruction is followed by what comes next.
(define (generate t slots depth next)
  (cond ((constant? t) (cons (list 'push (constant-value t)) next))
        ((reference? t) (cons (list 'load (cdr (assq (reference-variable t) slots))) next))
        ((binding? t)
         (generate (binding-value t) slots depth
                   (generate (binding-body t)
                             (cons (cons (binding-variable t) depth) slots)
                             (+ depth 1)
                             (cons '(slide) next))))
        ((choice? t)
         (generate (choice-test t) slots depth
                   (list (list 'branch
                               (generate (choice-then t) slots depth next)
                               (generate (choice-else t) slots depth next)))))
        (else
         (generate (operation-left t) slots depth
                   (generate (operation-right t) slots (+ depth 1)
                             (cons (list 'operate (operation-op t)) next))))))

(define (run code)
  (let loop ((code code) (stack '()))
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

(define (compile source)
  (let ((tree (fold-constants (rename source '((x . #f))) '())))
    (count-uses! tree)
    (generate (drop-unused tree) '() 0 '())))

;; A unit of functions; all that is made of it stays until the unit is done.
(define (round-of functions depth)
  (let* ((sources (let loop ((i 0) (made '()))
                    (if (= i functions) made (loop (+ i 1) (cons (make-source depth '()) made)))))
         (trees (map (lambda (source) (rename source '())) sources))
         (folded (map (lambda (tree) (fold-constants tree '())) trees))
         (small (begin (for-each count-uses! folded) (map drop-unused folded)))
         (plain (begin (for-each count-uses! trees) (map drop-unused trees))))
    (let check ((sources sources) (small small) (plain plain) (sum 0))
      (if (null? sources)
          sum
          (let ((wanted (evaluate (car sources) '())))
            (for-each
             (lambda (tree)
               (let ((got (run (generate tree '() 0 '()))))
                 (unless (= got wanted)
                   (error "compile: the code is wrong:" (car sources) got wanted))))
             (list (car small) (car plain)))
            (check (cdr sources) (cdr small) (cdr plain) (modulo (+ sum wanted) bound)))))))

(define (main rounds functions)
  (let loop ((i 0) (sum 0))
    (if (< i rounds)
        (loop (+ i 1) (modulo (+ sum (round-of functions 10)) bound))
        (begin
          (display (list 'compile 'rounds rounds 'variables variables 'sum sum 'ok))
          (newline)))))

(let ((sizes (map string->number (cdr (command-line)))))
  (main (if (pair? sizes) (car sizes) 20)
        (if (and (pair? sizes) (pair? (cdr sizes))) (cadr sizes) 100)))
