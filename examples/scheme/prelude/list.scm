;;; SPDX-License-Identifier: MIT
;;;
;;; Lists: what takes procedures.

;; With no lists at all, these would go on for ever: they take one at least.
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
    ((f one . more)
     (let loop ((lists (cons one more)) (result '()))
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
    ((f one . more)
     (let loop ((lists (cons one more)))
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
       (if (and (pair? a) (pair? b)) (loop (f (car a) (car b) result) (cdr a) (cdr b)) result)))
    ((f init one . more)
     (let loop ((result init) (lists (cons one more)))
       (if (%all-pairs? lists)
           (loop (apply f (append (%heads lists) (list result))) (%tails lists))
           result)))))
(define (fold-left f init list)
  (let loop ((result init) (list list))
    (if (pair? list) (loop (f result (car list)) (cdr list)) result)))
(define fold-right
  (case-lambda
    ((f init list)
     (let loop ((result init) (list (reverse list)))
       (if (pair? list) (loop (f (car list) result) (cdr list)) result)))
    ((f init one . more)
     (fold (lambda (items result) (apply f (append items (list result))))
           init
           (reverse (apply map list one more))))))
(define reduce-left
  (lambda (f init list)
    (if (pair? list) (fold-left f (car list) (cdr list)) init)))

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
    ((f one . more)
     (let loop ((lists (cons one more)))
       (and (%all-pairs? lists)
            (or (apply f (%heads lists)) (loop (%tails lists))))))))
(define every
  (case-lambda
    ((f list)
     (let loop ((list list))
       (or (not (pair? list))
           (if (null? (cdr list)) (f (car list)) (and (f (car list)) (loop (cdr list)))))))
    ((f one . more)
     (let loop ((lists (cons one more)) (last #t))
       (if (%all-pairs? lists)
           (let ((result (apply f (%heads lists))))
             (and result (loop (%tails lists) result)))
           last)))))
(define (count f one . more)
  (let loop ((lists (cons one more)) (n 0))
    (if (%all-pairs? lists) (loop (%tails lists) (if (apply f (%heads lists)) (+ n 1) n)) n)))
(define (list-index found? one . more)
  (let loop ((lists (cons one more)) (i 0))
    (and (%all-pairs? lists)
         (if (apply found? (%heads lists)) i (loop (%tails lists) (+ i 1))))))

(define iota
  (case-lambda
    ((n) (iota n 0 1))
    ((n start) (iota n start 1))
    ((n start step)
     (let loop ((i (- n 1)) (result '()))
       (if (< i 0) result (loop (- i 1) (cons (+ start (* i step)) result)))))))
(define (list-head list n)
  (let loop ((list list) (n n) (result '()))
    (if (= n 0) (reverse result) (loop (cdr list) (- n 1) (cons (car list) result)))))

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
