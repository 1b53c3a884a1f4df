;;; SPDX-License-Identifier: MIT
;;;
;;; Vectors, strings and numbers: what takes procedures, or is made of other procedures.

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
    ((f one . more)
     (let* ((vs (cons one more)) (n (%shortest vector-length vs)))
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
    ((f one . more)
     (let* ((vs (cons one more)) (n (%shortest vector-length vs)))
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
    ((f one . more) (list->string (apply map f (map string->list (cons one more)))))))
(define string-for-each
  (case-lambda
    ((f s)
     (let ((n (string-length s)))
       (let loop ((i 0))
         (if (< i n) (begin (f (string-ref s i)) (loop (+ i 1)))))))
    ((f one . more) (apply for-each f (map string->list (cons one more))))))
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

;; The simplest number within the tolerance: Stern-Brocot, of exact numbers.
(define (rationalize x tolerance)
  (define (simplest low high)
    (let ((whole (floor low)))
      (cond ((= whole low) whole)
            ((< whole (floor high)) (+ whole 1))
            (else (+ whole (/ 1 (simplest (/ 1 (- high whole)) (/ 1 (- low whole)))))))))
  (define (simplest-within x tolerance)
    (let ((low (- x tolerance)) (high (+ x tolerance)))
      (cond ((and (<= low 0) (>= high 0)) 0)
            ((> low 0) (simplest low high))
            (else (- (simplest (- high) (- low)))))))
  (let ((tolerance (abs tolerance)))
    (cond ((not (real? x)) (error "rationalize: not a real number:" x))
          ((and (exact? x) (exact? tolerance)) (simplest-within x tolerance))
          ((or (nan? x) (nan? tolerance)) +nan.0)
          ((infinite? tolerance) (if (infinite? x) +nan.0 0.))
          ((infinite? x) x)
          (else (inexact (simplest-within (exact x) (exact tolerance)))))))
