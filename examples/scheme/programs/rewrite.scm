;;; SPDX-License-Identifier: MIT
;;;
;;; A symbolic rewriter in the manner of the Boyer-Moore prover: terms are brought to normal form by
;;; lemmas, innermost first; propositions become nested ifs and are proved by looking at all cases.
;;; Terms are shared by hashing. Each theorem is proved with tables of its own; what the last proofs
;;; knew is kept, so that they can be explained, and the oldest is forgotten with each new one.
;;; (rewrite.scm [theorems [proofs kept]])

(import (scheme base) (scheme write) (scheme process-context) (scheme cxr) (srfi 69))

;;; Terms: a symbol, or (operator argument ...). A term is made once: it is looked up in a table by
;;; its operator, which leads to a table by its first argument, and so on.

(define terms #f)
(define normal-forms #f)

(define (make-term operator arguments)
  (let loop ((table terms) (key operator) (rest arguments))
    (let ((known (hash-table-ref/default table key #f)))
      (cond ((pair? rest)
             (let ((next (or known (make-hash-table eq?))))
               (unless known
                 (hash-table-set! table key next))
               (loop next (car rest) (cdr rest))))
            (known known)
            (else
             (let ((term (cons operator arguments)))
               (hash-table-set! table key term)
               term))))))

(define (share form)
  (if (pair? form)
      (make-term (car form) (map share (cdr form)))
      form))

;;; Lemmas: (left right), where the names that start with ? match any term.

(define lemmas (make-hash-table eq?))

(define (variable? x)
  (and (symbol? x) (char=? (string-ref (symbol->string x) 0) #\?)))

(define (add-lemma! left right)
  (hash-table-update!/default lemmas (car left)
                              (lambda (known) (append known (list (cons left right))))
                              '()))

(for-each
 (lambda (lemma) (add-lemma! (car lemma) (cadr lemma)))
 '(((and ?p ?q) (if ?p (if ?q (true) (false)) (false)))
   ((or ?p ?q) (if ?p (true) (if ?q (true) (false))))
   ((not ?p) (if ?p (false) (true)))
   ((implies ?p ?q) (if ?p (if ?q (true) (false)) (true)))
   ((iff ?p ?q) (and (implies ?p ?q) (implies ?q ?p)))
   ((if (if ?a ?b ?c) ?d ?e) (if ?a (if ?b ?d ?e) (if ?c ?d ?e)))
   ((plus (zero) ?x) ?x)
   ((plus (succ ?x) ?y) (succ (plus ?x ?y)))
   ((plus (plus ?x ?y) ?z) (plus ?x (plus ?y ?z)))
   ((times (zero) ?x) (zero))
   ((times (succ ?x) ?y) (plus ?y (times ?x ?y)))
   ((times (plus ?x ?y) ?z) (plus (times ?x ?z) (times ?y ?z)))
   ((times (times ?x ?y) ?z) (times ?x (times ?y ?z)))
   ((equal (plus ?a ?b) (plus ?a ?c)) (equal ?b ?c))
   ((equal (succ ?a) (succ ?b)) (equal ?a ?b))
   ((equal ?a ?a) (true))
   ((append (nil) ?x) ?x)
   ((append (pair ?a ?x) ?y) (pair ?a (append ?x ?y)))
   ((append (append ?x ?y) ?z) (append ?x (append ?y ?z)))
   ((reverse (append ?x ?y)) (append (reverse ?y) (reverse ?x)))
   ((reverse (pair ?a ?x)) (append (reverse ?x) (pair ?a (nil))))
   ((reverse (nil)) (nil))
   ((reverse (reverse ?x)) ?x)
   ((length (append ?x ?y)) (plus (length ?x) (length ?y)))
   ((length (reverse ?x)) (length ?x))
   ((length (pair ?a ?x)) (succ (length ?x)))
   ((length (nil)) (zero))
   ((less (zero) (succ ?x)) (true))
   ((less ?x (zero)) (false))
   ((less (succ ?x) (succ ?y)) (less ?x ?y))
   ((member ?a (append ?x ?y)) (or (member ?a ?x) (member ?a ?y)))
   ((member ?a (reverse ?x)) (member ?a ?x))
   ((member ?a (nil)) (false))
   ((member ?a (pair ?a ?x)) (true))))

;; The bindings (() for none) under which the pattern is the term, or #f.
(define (match pattern term bindings)
  (cond ((variable? pattern)
         (let ((known (assq pattern bindings)))
           (cond ((not known) (cons (cons pattern term) bindings))
                 ((eq? (cdr known) term) bindings)
                 (else #f))))
        ((symbol? pattern) (and (eq? pattern term) bindings))
        ((and (pair? term) (eq? (car pattern) (car term)))
         (let loop ((patterns (cdr pattern)) (arguments (cdr term)) (bindings bindings))
           (cond ((not bindings) #f)
                 ((null? patterns) bindings)
                 (else
                  (loop (cdr patterns)
                        (cdr arguments)
                        (match (car patterns) (car arguments) bindings))))))
        (else #f)))

(define (substitute template bindings)
  (cond ((assq template bindings) => cdr)
        ((pair? template)
         (make-term (car template)
                    (map (lambda (part) (substitute part bindings)) (cdr template))))
        (else template)))

(define rewrites 0)

;; A step of the proof at hand: the lemma's left side, and the terms before and after.
(define-record-type step
  (make-step lemma before after)
  step?
  (lemma step-lemma) (before step-before) (after step-after))

(define steps '())

(define (record-step! lemma before after)
  (set! rewrites (+ rewrites 1))
  (set! steps (cons (make-step lemma before after) steps)))

(define (rewrite term)
  (if (symbol? term)
      term
      (or (hash-table-ref/default normal-forms term #f)
          (let ((result (rewrite-head (make-term (car term) (map rewrite (cdr term))))))
            (hash-table-set! normal-forms term result)
            result))))

(define (rewrite-head term)
  (let loop ((candidates (hash-table-ref/default lemmas (car term) '())))
    (if (null? candidates)
        term
        (let ((bindings (match (caar candidates) term '())))
          (if bindings
              (let ((after (substitute (cdar candidates) bindings)))
                (record-step! (caar candidates) term after)
                (rewrite after))
              (loop (cdr candidates)))))))

;;; Cases: is the term true whatever its tests turn out to be?

(define true-term #f)
(define false-term #f)

(define (tautology? term true false)
  (cond ((or (eq? term true-term) (memq term true)) #t)
        ((or (eq? term false-term) (memq term false)) #f)
        ((and (pair? term) (eq? (car term) 'if))
         (let ((test (cadr term)))
           (cond ((or (eq? test true-term) (memq test true))
                  (tautology? (caddr term) true false))
                 ((or (eq? test false-term) (memq test false))
                  (tautology? (cadddr term) true false))
                 (else
                  (and (tautology? (caddr term) (cons test true) false)
                       (tautology? (cadddr term) true (cons test false)))))))
        (else #f)))

;;; Theorems over fresh constants, so that no proof knows the terms of another.

(define (name letter i) (string->symbol (string-append letter (number->string i))))

(define (number n) (if (= n 0) '(zero) `(succ ,(number (- n 1)))))

(define (chain connective items)
  (if (null? (cdr items))
      (car items)
      (list connective (car items) (chain connective (cdr items)))))

(define (theorem i)
  (let ((p (name "p" i)) (q (name "q" i)) (r (name "r" i))
        (x (name "x" i)) (y (name "y" i)) (z (name "z" i)))
    `(and
      (implies (and (implies ,p ,q) (and (implies ,q ,r) ,p)) ,r)
      (and
       (iff (member ,x (reverse (append ,y (append ,z ,x))))
            (or (member ,x ,y) (or (member ,x ,z) (member ,x ,x))))
       (and
        (equal (length (reverse (append ,x (pair ,p (append ,y ,z)))))
               (plus (length (append ,z (nil)))
                     (plus (length ,y) (plus (succ (zero)) (length ,x)))))
        (equal (times ,(number 6) (times ,(number 5) (plus ,x (zero))))
               (times (times ,(number 6) ,(number 5)) (plus ,x (zero)))))))))

;; True, but the lemmas don't know that sums can be turned around: this must not be proved.
(define (unprovable i)
  (let ((x (name "x" i)) (y (name "y" i)))
    `(or (equal (length (append ,x ,y)) (length (append ,y ,x)))
         (not ,(theorem i)))))

;;; Proofs: what was found, and the tables by which it was.

(define-record-type proof
  (make-proof form proved? steps terms normal-forms)
  proof?
  (form proof-form) (proved? proof-proved?) (steps proof-steps)
  (terms proof-terms) (normal-forms proof-normal-forms))

(define (prove form)
  (set! terms (make-hash-table eq?))
  (set! normal-forms (make-hash-table eq?))
  (set! steps '())
  (set! true-term (share '(true)))
  (set! false-term (share '(false)))
  (let ((proved? (tautology? (rewrite (share form)) '() '())))
    (make-proof form proved? steps terms normal-forms)))

;; Each step follows from its lemma, and both of its sides have the same normal form.
(define (check-proof proof)
  (set! terms (proof-terms proof))
  (set! normal-forms (proof-normal-forms proof))
  (for-each
   (lambda (step)
     (unless (and (match (step-lemma step) (step-before step) '())
                  (eq? (rewrite (step-before step)) (rewrite (step-after step))))
       (error "rewrite: a step is wrong:" (step-before step))))
   (proof-steps proof)))

(define (main theorems kept)
  (let ((proofs (make-vector kept #f)))
    (do ((i 0 (+ i 1)))
        ((= i theorems))
      (let* ((slot (modulo i kept))
             (oldest (vector-ref proofs slot))
             (odd-one? (= 0 (modulo i 10)))
             (proof (prove (if odd-one? (unprovable i) (theorem i)))))
        (when (eq? odd-one? (proof-proved? proof))
          (error "rewrite: wrong about" (proof-form proof)))
        (when (and oldest odd-one?)
          (check-proof oldest))
        (vector-set! proofs slot proof)))
    (display (list 'rewrite 'theorems theorems 'rewrites rewrites 'ok))
    (newline)))

(let ((sizes (map string->number (cdr (command-line)))))
  (main (if (pair? sizes) (car sizes) 3000)
        (if (and (pair? sizes) (pair? (cdr sizes))) (cadr sizes) 36)))
