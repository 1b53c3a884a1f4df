;;; SPDX-License-Identifier: MIT
;;;
;;; Flonums: their text in every radix, the ends of their range, and what lies beyond.

(import (scheme base) (scheme write) (scheme inexact) (scheme process-context) (scheme char)
        (only (gait) arithmetic-shift integer-length random random-seed!))
(include "check.scm")

(define (reads text) (string->number text))
(random-seed! 20)

;;; Radix

(check '("0.1" "-0.1" "1.0" "101.01" "0.0" "-0.0" "1.1" "100000.0")
       (map (lambda (x) (number->string x 2)) '(.5 -.5 1. 5.25 0. -0. 1.5 32.)))
(check '("ff.8" "0.1" "0.2" "z.i") (list (number->string 255.5 16) (number->string .125 8) (number->string (/ 2. 3.) 3) (number->string 35.5 36)))
(check '("+inf.0" "-inf.0" "+nan.0") (map (lambda (x) (number->string x 36)) '(+inf.0 -inf.0 +nan.0)))
(check '(.5 .5 -0.5 255.5 2.5 .125) (list (string->number "0.1" 2) (string->number ".1" 2) (string->number "-.1" 2) (string->number "ff.8" 16) (string->number "2.5") (string->number "0.1" 8)))
(check '(.5 1/2 482 482 255.5) (map reads '("#b0.1" "#e#b.1" "#x1e2" "#X1E2" "#xff.8")))
(check '(#f #f #f #f #f) (list (string->number "0.2" 2) (string->number "1e2" 2) (string->number "1.1.1" 2) (string->number "." 2) (string->number "1./2" 8)))
;; In radix 2 no digit is rounded away: what is written is what is meant.
(define (exact-digits text radix)
  (let loop ((chars (string->list text)) (n 0) (places #f))
    (cond ((null? chars) (/ n (expt radix places)))
          ((char=? (car chars) #\.) (loop (cdr chars) n 0))
          (else (loop (cdr chars) (+ (* n radix) (digit-value (car chars))) (and places (+ places 1)))))))
(define extremes
  '(1. .1 1/3 123.456 1e21 1e22 1e23 9007199254740993. 5e-324 1e-323 2.2250738585072011e-308 2.2250738585072014e-308
    1.7976931348623157e308 5.684341886080802e-14 1e-7 123456789e-15 4.35 0.5 65536. 1e100))
(for-each
 (lambda (x)
   (let ((x (inexact x)))
     (check (exact x) (exact-digits (number->string x 2) 2))
     (check (exact x) (exact-digits (number->string x 4) 4))
     (do ((radix 2 (+ radix 1)))
         ((= radix 37))
       (check x (string->number (number->string x radix) radix))
       (check (- x) (string->number (number->string (- x) radix) radix)))))
 extremes)
;; No shorter text reads back, whatever its last digit.
(define (significant text)
  (let loop ((i 0) (started? #f) (count 0) (zeros 0))
    (cond ((= i (string-length text)) count)
          ((char=? (string-ref text i) #\.) (loop (+ i 1) started? count zeros))
          ((char=? (string-ref text i) #\0) (loop (+ i 1) started? count (+ zeros 1)))
          (else (loop (+ i 1) #t (if started? (+ count zeros 1) 1) 0)))))
(define (power-below x radix)
  (let loop ((p 1)) (cond ((> p x) (loop (/ p radix))) ((<= (* p radix) x) (loop (* p radix))) (else p))))
(define (shorter? x radix figures)
  (let* ((e (exact x)) (unit (/ (power-below e radix) (expt radix (- figures 1)))) (low (* unit (floor (/ e unit)))))
    (or (= x (inexact low)) (= x (inexact (+ low unit))))))
(define (random-flonum)
  (* (+ 1. (random 1.)) (expt 2. (- (random 2000) 1000))))
(do ((i 0 (+ i 1)))
    ((= i 60))
  (let* ((radix (+ 2 (random 35))) (x (if (< (random 4) 1) (expt 2. (- (random 2000) 1000)) (random-flonum)))
         (text (number->string x radix)))
    (check x (string->number text radix))
    (if (not (= radix 10))
        (let ((figures (significant text)))
          (check #f (and (> figures 1) (shorter? x radix (- figures 1))))))))
(check "5.684341886080802e-14" (number->string (expt 2. -44)))
(check "2.9802322387695312e-8" (number->string (expt 2. -25)))
(check "9007199254740992.0" (number->string 9007199254740993.))
(do ((e -1074 (+ e 1)))
    ((= e 1024))
  (let ((x (expt 2. e)))
    (check #t (and (eqv? x (reads (number->string x))) (<= (string-length (number->string x)) 23)))))

;;; Subnormal numbers

(define least 4.9406564584124654e-324)
(define least-normal 2.2250738585072014e-308)
(check '(5e-324 5e-324 0.0 5e-324 1e-323 0.0 -5e-324) (map reads '("4.9406564584124654e-324" "5e-324" "2.4703282292062327e-324" "2.4703282292062328e-324" "7.4109846876186982e-324" "1e-400" "-3e-324")))
(check '("5e-324" "2.225073858507201e-308" "2.2250738585072014e-308" "-1e-323")
       (map number->string (list least 2.2250738585072011e-308 least-normal (* -2 least))))
(check (expt 2 -1074) (exact least))
(check least (inexact (expt 2 -1074)))
(check '(0. 0. 1e-323 1e-323 5e-324 -0.)
       (map inexact (list (expt 2 -1075) (/ 1 (expt 2 2000)) (* 3 (expt 2 -1075)) (* 5 (expt 2 -1075)) (+ (expt 2 -1075) (expt 3 -2000)) (- (expt 2 -1075)))))
;; A rest below the last bit decides ties, and nothing else.
(check (list 4 5 5 4 6) (map (lambda (x) (exact (/ (inexact (* x (expt 2 -1074))) least)))
                           (list (+ 4 1/3) (- 5 1/3) (+ 5 1/3) 9/2 11/2)))
(check '(1. 1.0000000000000002 1.) (map inexact (list (+ 1 (expt 2 -53)) (+ 1 (expt 2 -53) (expt 2 -200)) (+ 1 (expt 2 -54)))))
(check '(0. 5e-324 1e-323 #t) (list (/ least 2) (* least 1.4) (+ least least) (= (- least-normal (/ least-normal 2)) (/ least-normal 2))))
(check least-normal (+ 2.225073858507201e-308 least))
(check #t (< 0 least least-normal))
(check #t (< (/ (exact least) 2) least))
(do ((i 0 (+ i 1)))
    ((= i 100))
  (let* ((n (+ 1 (random (expt 2 60)))) (x (* n (expt 2 (- -1070 (random 60))))) (d (inexact x)) (unit (expt 2 -1074)))
    (check #t (<= (abs (- x (exact d))) (max (/ unit 2) (* x (expt 2 -53)))))
    (check d (reads (number->string d)))))

;;; Beyond the range: only results overflow

(define big (expt 10 400))
(define tiny (/ 1 big))
(check '(+inf.0 -inf.0 0. -0.) (map inexact (list big (- big) tiny (- tiny))))
(check '(1.5 0.3333333333333333 1e200) (map inexact (list (/ (* 3 big) (* 2 big)) (/ big (* 3 big)) (/ big (expt 10 200)))))
(check '(+inf.0 +inf.0 1.7976931348623157e308)
       (map inexact (list (- (expt 2 1024) (expt 2 970)) (- (expt 2 1024) (expt 2 969)) (- (expt 2 1024) (expt 2 970) 1))))
(check '(1e100 1e300 1e-300 1e-100 0. -0. 1e200) (list (* big 1e-300) (/ big 1e100) (/ 1e100 big) (* 1e300 tiny) (* 0. big) (* -0. big) (/ 1e-200 tiny)))
(check '(+inf.0 -inf.0 1.5 +inf.0 0. 0. +inf.0) (list (+ big 1.) (- 1. big) (+ 1.5 tiny) (* big +inf.0) (/ big +inf.0) (/ 1. big) (/ big 0.)))
(check '(921.0340371976183 -921.0340371976183 400. 1328.771237954945 -400.) (list (log big) (log tiny) (log big 10) (log big 2) (log tiny 10)))
(check '(3. 3. 10. 2. .5 1000.) (list (log 8 2) (log 125 5) (log 1024 2) (log 100 10) (log 2 4) (log (expt 7 1000) 7)))
(check '(1e-30 -1e-30 1e-300) (list (log (+ 1 (expt 10 -30))) (log (- 1 (expt 10 -30))) (log (/ (+ 1 (expt 10 300)) (expt 10 300)))))
(check '(+inf.0 0. 1. 2.718281828459045) (list (exp big) (exp (- big)) (exp tiny) (exp (/ big (+ big 1)))))
(check (list (expt 10 200) (expt 10 -200) 3.1622776601683794e200 3.1622776601683794e-201) (list (sqrt big) (sqrt tiny) (sqrt (* 10 big)) (sqrt (/ tiny 10))))
(check (list 94906267.0 94906265.62425157 (expt 2 70)) (list (inexact (sqrt (expt 94906267 2))) (sqrt 9007199254740995) (sqrt (expt 2 140))))
(check '(1e200 1e-200 1e100 1e-200 +inf.0 0. 1.) (list (expt big .5) (expt big -.5) (expt big .25) (expt tiny .5) (expt big 1e10) (expt tiny 1e10) (expt big 0.)))
(check '(-1. 1. -8. +inf.0 0. -inf.0) (list (expt -1. 9007199254740993) (expt -1. 9007199254740992) (expt -2. 3) (expt 2. big) (expt .5 big) (expt -2. (+ big 1))))
(check-near (atan 1 10) (atan big (* 10 big)))
(check-near (atan 10 -1) (atan (* 10 tiny) (- tiny)))
(check '(3 4 1/9 8/27 100000000000000000000) (list (expt 27 1/3) (expt 8 2/3) (expt 27 -2/3) (expt 16/81 3/4) (expt (expt 10 200) 1/10)))
(check '(2. #t #t) (list (expt 8. 1/3) (inexact? (expt 9 1/3)) (inexact? (expt 8/9 1/3))))
(check '(2. 1. 1) (list (inexact (expt (expt 2 1000) 1/1000)) (expt 2 1/10000000000000000000000) (expt 1 1/1000000000000)))
(check-error (log 3 0))
(check-error (log 3 1))
(check (list (atan 1 1) (atan -1 -1) (atan 1 0) 0. 1.5707963267948966) (list (atan big big) (atan (- big) (- big)) (atan big 0) (atan big +inf.0) (atan 1. tiny)))
(check (list 1.5707963267948966 0. (atan 0. -1)) (list (atan big) (atan tiny) (atan tiny -1)))
(check (list (sin 1e22) (cos 1e22) (tan 1e22) (sin 1e300)) (list (sin (expt 10 22)) (cos (expt 10 22)) (tan (expt 10 22)) (sin (exact 1e300))))
;; By a value of sin 10^400 that Python's exact arithmetic gives.
(check -0.9985382319830978 (sin big))
(check #t (< (abs (- 1 (+ (square (sin big)) (square (cos big))))) 1e-15))
(check-error (sin (expt 2 200000)))

;;; Integer division of flonums, exact where they are integers

(check '(3.3333333333333335e299 4. 3.333333333333333e29 0. 0. -1. 6.) (list (quotient 1e300 3.) (modulo big 7.) (quotient (expt 10 30) 3.) (remainder 1e300 3.) (quotient 1. big) (floor-quotient -1. big) (modulo -1. 7)))
(check (modulo (exact 1e300) 12345) (exact (modulo 1e300 12345)))
(check (quotient (exact 1e30) 7) (quotient (exact 1e30) 7))
(check '(2. -2. -2. 2. 1. -1. 2. -2.)
       (list (quotient 7. 3.) (quotient -7. 3) (quotient 7 -3.) (quotient -7. -3.) (remainder 7. 3.) (remainder -7. 3.) (modulo -7. 3.) (modulo 7. -3.)))

;;; Order, without precision lost

(check '(#f #t #t #f) (list (= (expt 2 53) (+ (expt 2. 53) 2)) (= (expt 2 53) (expt 2. 53)) (< (expt 2. 53) (+ (expt 2 53) 1)) (= (+ (expt 2 53) 1) (expt 2. 53))))
(check '(#f #t #f) (list (= 1/3 (inexact 1/3)) (< (inexact 1/3) 1/3) (= 1/10 .1)))
(check '(#t #t #t #t) (list (< 1e308 big +inf.0) (< -inf.0 (- big) -1e308) (< 0. tiny least) (< (- least) (- tiny) 0.)))
(check '(#f #t) (list (= 4611686018427387904. 4611686018427387903) (> 4611686018427387904. 4611686018427387903)))
(define mixed
  (list 0 -0. 1/3 (inexact 1/3) (expt 2 53) (expt 2. 53) (+ 1 (expt 2 53)) (+ 2 (expt 2. 53)) big (- big) 1e308 +inf.0 -inf.0
        tiny least 4611686018427387903 4611686018427387904. (exact .1) .1 1/10 least-normal))
(for-each
 (lambda (a)
   (for-each
    (lambda (b)
      (check 1 (+ (if (< a b) 1 0) (if (= a b) 1 0) (if (> a b) 1 0)))
      (for-each
       (lambda (c)
         (if (and (<= a b) (<= b c)) (if (not (<= a c)) (check 'transitive (list a b c))))
         (if (and (= a b) (= b c)) (if (not (= a c)) (check 'transitive (list a b c)))))
       mixed))
    mixed))
 mixed)

;;; Zeros, infinities, NaN

(check '("-0.0" "0.0" "+inf.0" "-inf.0" "+nan.0" "+nan.0") (map number->string (list -0. (- -0.) (/ 1. 0.) (/ -1. 0.) (- +inf.0 +inf.0) (- +nan.0))))
(check '(#t #f #t #t) (list (= 0. -0.) (eqv? 0. -0.) (eqv? -0. (reads "-0.0")) (eqv? +nan.0 (reads "-nan.0"))))
(check '(-0. 0. -0. -0. -inf.0) (list (- 0.) (+ 0. -0.) (* -1 0.) (sqrt -0.) (/ 1 -0.)))
(check '(#t #t #f) (list (nan? +nan.0) (nan? (* 0. +inf.0)) (nan? 1/2)))
(check-error (nan? 'x))
(check '("number->string: argument 2 is not a radix from 2 to 36:" 37) (guard (e (#t (list (error-object-message e) (car (error-object-irritants e))))) (number->string 1. 37)))
(check-error (exact +nan.0))
(check '(+inf.0 100. 100. 100. 100. 100. 1000000.) (map reads '("1e400" "1s2" "1f2" "1d2" "1l2" "1L2" "1E6")))
(check '(#f #f #f #f #f) (map reads '("#x#x10" "#e#e1" "#i#x#d1" "1e" "1f")))
(check (* 12 (expt 10 100)) (reads "#e1.2e101"))
(check 'too-large (or (reads "#e1e99999999999999999999") 'too-large))
(check '(100 101 100 99 0) (list (integer-length (- (expt 2 100))) (integer-length (- (+ 1 (expt 2 100)))) (integer-length (- (- (expt 2 100) 1))) (integer-length (- (expt 2 99))) (arithmetic-shift 0 (expt 2 40))))
(check '(.3333333333333333 1/3 +inf.0 0. 0 -1/3)
       (list (rationalize .3 1/10) (rationalize 3/10 1/10) (rationalize +inf.0 3) (rationalize 3 +inf.0) (rationalize 1/10 1/5) (rationalize -3/10 1/10)))

(report 'flonums)
