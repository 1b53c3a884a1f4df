;;; SPDX-License-Identifier: MIT
;;;
;;; The part of the standard procedures that is written in Scheme: what calls procedures, and what
;;; control structures are made of. Compiled when the interpreter starts; the names that start with
;;; % are its own.

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
  (let* ((target (%continuation-winders k))
         (common (let loop ((a (%winders)) (b target))
                   (let ((m (length a)) (n (length b)))
                     (cond ((eq? a b) a)
                           ((> m n) (loop (cdr a) b))
                           ((< m n) (loop a (cdr b)))
                           (else (loop (cdr a) (cdr b))))))))
    (let out ()
      (let ((winders (%winders)))
        (if (not (eq? winders common))
            (begin
              (%set-winders! (cdr winders))
              ((cdar winders))
              (out)))))
    (let in ((winders target))
      (if (not (eq? winders common))
          (begin
            (in (cdr winders))
            ((caar winders))
            (%set-winders! winders))))
    (let ((result (apply values arguments)))
      (%throw k result))))

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
                     (%guard-clauses
                      (return (lambda () (raise-continuable condition)))
                      clause ...))))))))
          (lambda ()
            (let ((result (let () form ...)))
              (leave (lambda () result)))))))))))

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

;;; Lists

(define (%heads lists)
  (if (pair? lists) (cons (caar lists) (%heads (cdr lists))) '()))
(define (%tails lists)
  (if (pair? lists) (cons (cdar lists) (%tails (cdr lists))) '()))
(define (%all-pairs? lists)
  (or (null? lists) (and (pair? (car lists)) (%all-pairs? (cdr lists)))))

(define map
  (case-lambda
    ((f list)
     (let loop ((list list) (result '()))
       (if (pair? list)
           (loop (cdr list) (cons (f (car list)) result))
           (if (null? list)
               (reverse result)
               (error "map: not a list:" list)))))
    ((f a b)
     (let loop ((a a) (b b) (result '()))
       (if (and (pair? a) (pair? b))
           (loop (cdr a) (cdr b) (cons (f (car a) (car b)) result))
           (reverse result))))
    ((f . lists)
     (let loop ((lists lists) (result '()))
       (if (%all-pairs? lists)
           (loop (%tails lists) (cons (apply f (%heads lists)) result))
           (reverse result))))))

(define for-each
  (case-lambda
    ((f list)
     (let loop ((rest list))
       (if (pair? rest)
           (begin (f (car rest)) (loop (cdr rest)))
           (if (not (null? rest)) (error "for-each: not a list:" list)))))
    ((f a b)
     (let loop ((a a) (b b))
       (if (and (pair? a) (pair? b))
           (begin (f (car a) (car b)) (loop (cdr a) (cdr b))))))
    ((f . lists)
     (let loop ((lists lists))
       (if (%all-pairs? lists)
           (begin (apply f (%heads lists)) (loop (%tails lists))))))))

(define member
  (case-lambda
    ((object list) (%member object list))
    ((object list same?)
     (let loop ((list list))
       (and (pair? list)
            (if (same? object (car list)) list (loop (cdr list))))))))

(define assoc
  (case-lambda
    ((object list) (%assoc object list))
    ((object list same?)
     (let loop ((list list))
       (and (pair? list)
            (if (same? object (caar list)) (car list) (loop (cdr list))))))))

(define (filter keep? list)
  (let loop ((list list) (result '()))
    (if (pair? list)
        (loop (cdr list) (if (keep? (car list)) (cons (car list) result) result))
        (reverse result))))
(define (remove drop? list) (filter (lambda (item) (not (drop? item))) list))
(define (partition in? list) (values (filter in? list) (remove in? list)))

(define delete
  (case-lambda
    ((object list) (remove (lambda (item) (equal? object item)) list))
    ((object list same?) (remove (lambda (item) (same? object item)) list))))

(define (delete-duplicates list . same)
  (let ((same? (if (null? same) equal? (car same))))
    (let loop ((list list) (result '()))
      (if (pair? list)
          (loop (cdr list)
                (if (member (car list) result (lambda (a b) (same? b a)))
                    result
                    (cons (car list) result)))
          (reverse result)))))

(define fold
  (case-lambda
    ((f init list)
     (let loop ((result init) (list list))
       (if (pair? list) (loop (f (car list) result) (cdr list)) result)))
    ((f init a b)
     (let loop ((result init) (a a) (b b))
       (if (and (pair? a) (pair? b)) (loop (f (car a) (car b) result) (cdr a) (cdr b)) result)))))
(define (fold-left f init list)
  (let loop ((result init) (list list))
    (if (pair? list) (loop (f result (car list)) (cdr list)) result)))
(define (fold-right f init list)
  (let loop ((result init) (list (reverse list)))
    (if (pair? list) (loop (f (car list) result) (cdr list)) result)))
(define (reduce f init list)
  (if (pair? list) (fold f (car list) (cdr list)) init))
(define reduce-left
  (lambda (f init list)
    (if (pair? list) (fold-left f (car list) (cdr list)) init)))
(define (append-map f . lists) (apply append (apply map f lists)))
(define (filter-map f . lists) (filter (lambda (x) x) (apply map f lists)))
(define (append-reverse list tail)
  (if (pair? list) (append-reverse (cdr list) (cons (car list) tail)) tail))
(define (concatenate lists) (apply append lists))

(define (find found? list)
  (let loop ((list list))
    (and (pair? list) (if (found? (car list)) (car list) (loop (cdr list))))))
(define (find-tail found? list)
  (let loop ((list list))
    (and (pair? list) (if (found? (car list)) list (loop (cdr list))))))
(define any
  (case-lambda
    ((f list)
     (let loop ((list list))
       (and (pair? list)
            (if (null? (cdr list)) (f (car list)) (or (f (car list)) (loop (cdr list)))))))
    ((f . lists)
     (let loop ((lists lists))
       (and (%all-pairs? lists)
            (or (apply f (%heads lists)) (loop (%tails lists))))))))
(define every
  (case-lambda
    ((f list)
     (let loop ((list list))
       (or (not (pair? list))
           (if (null? (cdr list)) (f (car list)) (and (f (car list)) (loop (cdr list)))))))
    ((f . lists)
     (let loop ((lists lists) (last #t))
       (if (%all-pairs? lists)
           (let ((result (apply f (%heads lists))))
             (and result (loop (%tails lists) result)))
           last)))))
(define (count f list)
  (let loop ((list list) (n 0))
    (if (pair? list) (loop (cdr list) (if (f (car list)) (+ n 1) n)) n)))
(define (list-index found? list)
  (let loop ((list list) (i 0))
    (and (pair? list) (if (found? (car list)) i (loop (cdr list) (+ i 1))))))

(define iota
  (case-lambda
    ((n) (iota n 0 1))
    ((n start) (iota n start 1))
    ((n start step)
     (let loop ((i (- n 1)) (result '()))
       (if (< i 0) result (loop (- i 1) (cons (+ start (* i step)) result)))))))
(define (list-tabulate n f)
  (let loop ((i (- n 1)) (result '()))
    (if (< i 0) result (loop (- i 1) (cons (f i) result)))))
(define make-initialized-list list-tabulate)
(define (first list) (car list))
(define (second list) (cadr list))
(define (third list) (caddr list))
(define (fourth list) (cadddr list))
(define (last list) (car (last-pair list)))
(define (list-head list n)
  (let loop ((list list) (n n) (result '()))
    (if (= n 0) (reverse result) (loop (cdr list) (- n 1) (cons (car list) result)))))
(define take list-head)
(define drop list-tail)
(define (take-while f list)
  (let loop ((list list) (result '()))
    (if (and (pair? list) (f (car list)))
        (loop (cdr list) (cons (car list) result))
        (reverse result))))
(define (drop-while f list)
  (let loop ((list list))
    (if (and (pair? list) (f (car list))) (loop (cdr list)) list)))

;; A stable merge sort; (sort list less?) and (sort less? list) are both in use.
(define (%merge a b less?)
  (let loop ((a a) (b b) (result '()))
    (cond ((null? a) (append-reverse result b))
          ((null? b) (append-reverse result a))
          ((less? (car b) (car a)) (loop a (cdr b) (cons (car b) result)))
          (else (loop (cdr a) b (cons (car a) result))))))
(define (%sort list n less?)
  (if (< n 2)
      (list-head list n)
      (let ((half (quotient n 2)))
        (%merge (%sort list half less?)
                (%sort (list-tail list half) (- n half) less?)
                less?))))
(define (sort a b)
  (let ((less? (if (procedure? a) a b)) (items (if (procedure? a) b a)))
    (if (vector? items)
        (list->vector (%sort (vector->list items) (vector-length items) less?))
        (%sort items (length items) less?))))
(define list-sort sort)
(define vector-sort sort)
(define (sort! items less?)
  (if (vector? items)
      (vector-copy! items 0 (sort items less?))
      (sort items less?)))
(define (vector-sort! items less?) (sort! items less?))

;;; Vectors and strings

(define (%shortest length items)
  (let loop ((n (length (car items))) (rest (cdr items)))
    (if (pair? rest) (loop (min n (length (car rest))) (cdr rest)) n)))

;; Results are collected in a list first: f may come back by a continuation.
(define vector-map
  (case-lambda
    ((f v)
     (let ((n (vector-length v)))
       (let loop ((i 0) (result '()))
         (if (< i n)
             (loop (+ i 1) (cons (f (vector-ref v i)) result))
             (list->vector (reverse result))))))
    ((f . vs)
     (let ((n (%shortest vector-length vs)))
       (let loop ((i 0) (result '()))
         (if (< i n)
             (loop (+ i 1) (cons (apply f (map (lambda (v) (vector-ref v i)) vs)) result))
             (list->vector (reverse result))))))))
(define vector-for-each
  (case-lambda
    ((f v)
     (let ((n (vector-length v)))
       (let loop ((i 0))
         (if (< i n) (begin (f (vector-ref v i)) (loop (+ i 1)))))))
    ((f . vs)
     (let ((n (%shortest vector-length vs)))
       (let loop ((i 0))
         (if (< i n)
             (begin (apply f (map (lambda (v) (vector-ref v i)) vs)) (loop (+ i 1)))))))))
(define (vector-map! f v)
  (let ((n (vector-length v)))
    (let loop ((i 0))
      (if (< i n) (begin (vector-set! v i (f (vector-ref v i))) (loop (+ i 1)))))))
(define (make-initialized-vector n f)
  (let ((v (make-vector n)))
    (let loop ((i 0))
      (if (< i n) (begin (vector-set! v i (f i)) (loop (+ i 1))) v))))
(define vector-tabulate (lambda (f n) (make-initialized-vector n f)))
(define (vector-binary-search v key compare)
  (let loop ((low 0) (high (- (vector-length v) 1)))
    (and (<= low high)
         (let* ((middle (quotient (+ low high) 2)) (order (compare key (vector-ref v middle))))
           (cond ((= order 0) (vector-ref v middle))
                 ((< order 0) (loop low (- middle 1)))
                 (else (loop (+ middle 1) high)))))))

(define string-map
  (case-lambda
    ((f s)
     (let loop ((i (- (string-length s) 1)) (rest '()))
       (if (< i 0)
           (list->string (map f rest))
           (loop (- i 1) (cons (string-ref s i) rest)))))
    ((f . strings) (list->string (apply map f (map string->list strings))))))
(define string-for-each
  (case-lambda
    ((f s)
     (let ((n (string-length s)))
       (let loop ((i 0))
         (if (< i n) (begin (f (string-ref s i)) (loop (+ i 1)))))))
    ((f . strings) (apply for-each f (map string->list strings)))))
(define (string-count s f)
  (let loop ((i 0) (n 0))
    (if (< i (string-length s)) (loop (+ i 1) (if (f (string-ref s i)) (+ n 1) n)) n)))
(define string-index
  (lambda (s f)
    (let ((found? (if (char? f) (lambda (c) (char=? c f)) f)))
      (let loop ((i 0))
        (and (< i (string-length s)) (if (found? (string-ref s i)) i (loop (+ i 1))))))))
(define (string-search-forward pattern s start) (string-search s pattern start))
(define (string-contains s pattern) (string-search s pattern))
(define (string-null? s) (= (string-length s) 0))
(define (string-join strings . delimiter)
  (let ((delimiter (if (null? delimiter) " " (car delimiter))))
    (if (null? strings)
        ""
        (apply string-append
               (car strings)
               (append-map (lambda (s) (list delimiter s)) (cdr strings))))))
(define (string-reverse s) (list->string (reverse (string->list s))))
(define (char-ascii? c) (< (char->integer c) 128))

;;; Numbers

(define (exact-nonnegative-integer? n) (and (exact-integer? n) (>= n 0)))
(define (1+ n) (+ n 1))
(define (-1+ n) (- n 1))
(define truncate->exact (lambda (x) (exact (truncate x))))
(define round->exact (lambda (x) (exact (round x))))
(define floor->exact (lambda (x) (exact (floor x))))
(define ceiling->exact (lambda (x) (exact (ceiling x))))

;; The simplest number within the tolerance: Stern-Brocot.
(define (rationalize x tolerance)
  (define (simplest low high)
    (let ((whole (floor low)))
      (cond ((= whole low) whole)
            ((< whole (floor high)) (+ whole 1))
            (else (+ whole (/ 1 (simplest (/ 1 (- high whole)) (/ 1 (- low whole)))))))))
  (let ((low (- x (abs tolerance))) (high (+ x (abs tolerance))))
    (cond ((and (<= low 0) (>= high 0)) (if (and (exact? x) (exact? tolerance)) 0 0.))
          ((> low 0) (simplest low high))
          (else (- (simplest (- high) (- low)))))))

;;; Hash tables

(define hash-table-ref
  (case-lambda
    ((table key)
     (hash-table-ref table key (lambda () (error "hash-table-ref: no such key:" key))))
    ((table key fail)
     (let ((content (hash-table-ref/default table key %nothing)))
       (if (eq? content %nothing) (fail) content)))
    ((table key fail succeed)
     (let ((content (hash-table-ref/default table key %nothing)))
       (if (eq? content %nothing) (fail) (succeed content))))))
(define %nothing (list 'nothing))
(define hash-table-get hash-table-ref/default)
(define hash-table-put! hash-table-set!)
(define hash-table-remove! hash-table-delete!)
(define hash-table-update!
  (case-lambda
    ((table key f) (hash-table-set! table key (f (hash-table-ref table key))))
    ((table key f fail) (hash-table-set! table key (f (hash-table-ref table key fail))))))
(define (hash-table-update!/default table key f default)
  (hash-table-set! table key (f (hash-table-ref/default table key default))))
(define (hash-table-walk table f)
  (for-each (lambda (pair) (f (car pair) (cdr pair))) (hash-table->alist table)))
(define hash-table-for-each
  (lambda (a b) (if (hash-table? a) (hash-table-walk a b) (hash-table-walk b a))))
(define (hash-table-fold table f init)
  (fold (lambda (pair result) (f (car pair) (cdr pair) result)) init (hash-table->alist table)))
(define (alist->hash-table alist . options)
  (let ((table (apply make-hash-table options)))
    (for-each (lambda (pair)
                (if (not (hash-table-contains? table (car pair)))
                    (hash-table-set! table (car pair) (cdr pair))))
              alist)
    table))
(define (make-equal-hash-table . size) (make-hash-table equal?))
(define (make-eqv-hashtable . size) (make-hash-table eqv?))
(define (make-eq-hashtable . size) (make-hash-table eq?))
(define (make-string-hash-table . size) (make-hash-table string=?))
(define (make-strong-eqv-hash-table . size) (make-hash-table eqv?))

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
