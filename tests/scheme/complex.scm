;;; SPDX-License-Identifier: MIT
;;;
;;; Complex numbers: text, arithmetic, functions, branch cuts and the signs of zeros.

(import (scheme base) (scheme write) (scheme read) (scheme inexact) (scheme complex) (scheme char)
        (scheme process-context) (srfi 69))
(include "check.scm")

(define (reads text) (string->number text))
(define (near? a b)
  (< (magnitude (- a b)) (* 1e-14 (+ 1 (magnitude a)))))
(define-syntax check-close
  (syntax-rules ()
    ((_ wanted expression)
     (let ((w wanted) (g expression)) (note-result! 'expression w g (near? w g))))))

;;; What is what

(check '(#t #t #f #f #f #f) (map (lambda (f) (f 1+2i)) (list number? complex? real? rational? integer? exact-integer?)))
(check '(#t #f) (list (real? 1+0i) (real? 1+0.0i)))
(check '(#t #f) (list (real? -2.5+0i) (real? -2.5+0.0i)))
(check '(#t #f #f #t) (list (exact? 1+2i) (exact? 1.0+2i) (inexact? 1+2i) (inexact? 1+2.0i)))
(check '(1.0 2.0) (list (real-part 1+2.0i) (imag-part 1.0+2i)))
(check '(1 2 5 0 1.5 0) (list (real-part 1+2i) (imag-part 1+2i) (real-part 5) (imag-part 5) (real-part 1.5) (imag-part 1.5)))
(check '(#t #f #f #t) (list (zero? 0.0+0.0i) (zero? +i) (zero? 1.0+0.0i) (zero? -0.0-0.0i)))
(check '(#f #t #t #f) (list (nan? 1+2i) (nan? +nan.0+i) (nan? 1+nan.0i) (nan? +inf.0+i)))
(check '(#t #t #f #t #f) (list (finite? 1+2i) (finite? 1.0+2.0i) (finite? 3.0+inf.0i) (infinite? 3.0+inf.0i) (infinite? +i)))
(check '(#t #f #t #f #f) (list (= 1 1.0 1.0+0.0i) (= 1.0 1.0+1.0i) (= 1+2i 1.0+2.0i) (= 1+2i 1-2i) (= +nan.0+i +nan.0+i)))
(check '(#f #t) (list (= (+ (expt 2 53) 1+i) 9007199254740992.0+1.0i) (= (+ (expt 2 53) +i) 9007199254740992.0+1.0i)))
(check '(#t #f #f #t #f #t) (list (eqv? 1+2i 1+2i) (eqv? 1+2i 1.0+2.0i) (eq? 1 +i) (eqv? 1.0+0.0i 1.0+0.0i) (eqv? 1.0+0.0i 1.0-0.0i) (equal? '(1/2+i) (list (make-rectangular 1/2 1)))))
(check '(#t #t) (list (eqv? (expt 10 30) (expt 10 30)) (eqv? +nan.0 (- +inf.0 +inf.0))))
(check '(found #f found nan) 
  (let ((table (make-hash-table eqv?)) (equal-table (make-hash-table)))
    (hash-table-set! table 1/2+3i 'found)
    (hash-table-set! table +nan.0 'nan)
    (hash-table-set! equal-table (list 1.5-2.5i) 'found)
    (list (hash-table-ref/default table (make-rectangular 1/2 3) #f)
          (hash-table-ref/default table 0.5+3.0i #f)
          (hash-table-ref/default equal-table (list (- 2.5 1+2.5i)) #f)
          (hash-table-ref/default table (* 0. +inf.0) #f))))
(check '(found) (cdr (assv +i '((1) (-i) (+i found)))))
(check 'yes (case (* 1+i 1+i) ((1 2) 'no) ((+2i) 'yes) (else 'no)))
(check #t (and (memq 'exact-complex (features)) #t))

;;; Text

(define (round-trips z) (let ((text (number->string z))) (list (eqv? z (reads text)) text)))
(for-each
 (lambda (text) (check (list #t text) (round-trips (reads text))))
 '("1+2i" "1-2i" "-1+2i" "+i" "-i" "+2i" "-2i" "1+i" "1-i" "1/2+3/4i" "-1/2-3/4i" "1.0+2.0i" "1e100-1e-100i"
   "+inf.0-inf.0i" "-inf.0+inf.0i" "+nan.0+nan.0i" "0.0+1.0i" "-0.0+1.0i" "0.0-0.0i" "-0.0-0.0i" "1.0+0.0i"
   "1e21+5e-324i" "123456789012345678901234567890-98765432109876543210i" "1.5-inf.0i" "+nan.0-1.5i"))
(check '("1+2i" "+i" "+i" "-i" "3" "1.0+2.0i" "0.5+0.75i" "100.0+1.0i")
       (map (lambda (text) (number->string (reads text)))
            '("1+2I" "0+i" "+1i" "0-1i" "3+0i" "1+2.0i" "0.5+3/4i" "1e2+i")))
(check '(16+17i 8+9i 2-3i 1/2+3/2i 0.5+0.75i 1+i 10+11i 0.0625+1.0i)
       (map reads '("#x10+11i" "#o10+11i" "#b10-11i" "#e.5+1.5i" "#i1/2+3/4i" "#e1.0+1.0i" "#d10+11i" "#i#x1/10+i")))
(check '(1e3+1e-2i 1e-2-1e3i +1e-5i) (map reads '("1e3+1e-2i" "1e-2-1e3i" "+1e-5i")))
(check '(#f #f #f #f #f #f #f #f #f #f #f #f #f)
       (map reads '("i" "1i" "+ii" "1+2" "1+2i3" "1+2i+3i" "1++i" "1+-i" "+1i+" "1@" "@1" "1@2@3" "1@i")))
(check '(#f #f #f #f) (map reads '("#e+inf.0+i" "#e1@+inf.0" "1+1/0i" "x+i")))
(check-close -0.4161468365471424+0.9092974268256817i (reads "1@2"))
(check '(1 2.5 0) (map reads '("1@0" "2.5@0" "0@5")))
(check #t (exact? (reads "#e1@2")))
(check '(#t #t #t) (map symbol? '(|+i| |-i| i)))
(check "(|+i| |-2i| |1@2| +i a+i)" (let ((port (open-output-string))) (write '(|+i| |-2i| |1@2| +i a+i) port) (get-output-string port)))
(check '(+i -i 1+2i 1@a a+2i -i)
       (read (open-input-string "(+i -i 1+2i 1@a a+2i -I)")))
;; In every radix what is written is read as the same number.
(do ((radix 2 (+ radix 1)))
    ((= radix 37))
  (for-each
   (lambda (z) (check z (string->number (number->string z radix) radix)))
   '(1+2i +i -i +2i 18+18i +18i -18-18i 1/3-18/7i 0.1+18.5i -24171.0-24171.0i 24171.0+24171.0i +inf.0-inf.0i
     1e-320-1e300i -0.0+0.0i)))

;;; Arithmetic

(check '(4+6i -2-2i -5+10i 11/25+2/25i) (list (+ 1+2i 3+4i) (- 1+2i 3+4i) (* 1+2i 3+4i) (/ 1+2i 3+4i)))
(check '(-1 2 5 -i 0 1) (list (* +i +i) (+ 1+i 1-i) (* 1+2i 1-2i) (/ +i) (- 1+i 1+i) (/ 1+i 1+i)))
(check '(1/5-2/5i 1+2i -1-2i +2i 6+8i) (list (/ 1+2i) (+ 1+2i) (- 1+2i) (square 1+i) (+ 1+2i 2+3i 3+3i)))
(check '(3+4i 1/2+i 2+4i 1/2-1/2i) (list (+ 2 1+4i) (/ 1+2i 2) (* 2 1+2i) (/ 1 1+i)))
(check '(2.5+2.0i -0.5+2.0i 1.5+3.0i 0.5+1.0i) (list (+ 1.5 1+2i) (- 1+2i 1.5) (* 1.5 1+2i) (/ 1+2i 2.)))
(check '(2.0+0.0i 0.0+2.0i) (list (* 1.0+1.0i 1.0-1.0i) (* 1+i 1.0+1.0i)))
;; An exact imaginary part of 0 has no part in it.
(check '(1.0-0.0i 1.0+0.0i 1.0-0.0i -0.0-0.0i) (list (- 1 0.0+0.0i) (+ 1 0.0+0.0i) (+ 1 0.0-0.0i) (- 0.0+0.0i)))
(check '(0.0+inf.0i +inf.0-inf.0i 0.0-inf.0i) (list (* +inf.0 +i) (* +inf.0 1-i) (/ +i -0.)))
(check-error (/ 1+2i 0))
(check-error (+ 1+2i 'a))
;; What no flonum can hold.
(check '(1.0+0.0i 0.5-0.5i 1e-300+0.0i)
       (list (/ 1e300+1e300i 1e300+1e300i) (/ 1 1.0+1.0i) (/ 1e-300+0.0i 1)))
(check-close 5e-309-5e-309i (/ 1 1e308+1e308i))
(check-close 1e300-1e300i (/ 2 1e-300+1e-300i))
(check-close 1e200+1e200i (* (make-rectangular (expt 10 400) (expt 10 400)) 1e-200))
(check-close 2e300+0.0i (* (make-rectangular (expt 10 400) (expt 10 400)) 1e-100-1e-100i))
(check-close 0.5-0.5i (/ (make-rectangular 1e200 0.0) (make-rectangular (expt 10 200) (expt 10 200))))

;;; Of real numbers only

(for-each
 (lambda (f) (check-error (f 1+i)) (check-error (f 1.0+0.0i)))
 (list < > <= >= (lambda (z) (< 1 z)) (lambda (z) (> z 1)) (lambda (z) (< 1 2 z)) max min positive? negative? abs floor ceiling truncate
       round numerator denominator even? odd? gcd lcm (lambda (z) (quotient z 1)) (lambda (z) (modulo 1 z))
       (lambda (z) (floor/ z 1)) exact-integer-sqrt (lambda (z) (atan z 1)) (lambda (z) (atan 1 z))
       (lambda (z) (make-rectangular z 1)) (lambda (z) (make-polar 1 z)) (lambda (z) (rationalize z 1))))
(check "<: not a real number:" (guard (e (#t (error-object-message e))) (< 1 +i)))
(check-error (= 1 +i 'a))
(check-error (exact 1.0+inf.0i))
(check '(1/2+1/4i 1 0.5+0.25i) (list (exact 0.5+0.25i) (exact 1.0+0.0i) (inexact 1/2+1/4i)))

;;; Size and angle

(check '(5 13/2 1.5 1.5 5.0 +inf.0) (list (magnitude 3+4i) (magnitude 5/2-6i) (magnitude -1.5) (magnitude 1.5) (magnitude 3.0+4.0i) (magnitude +inf.0+nan.0i)))
(check-close 5e300 (magnitude 3e300+4e300i))
(check-close 5e-300 (magnitude 3e-300+4e-300i))
(check (* 5 (expt 10 400)) (magnitude (make-rectangular (* 3 (expt 10 400)) (* 4 (expt 10 400)))))
(check (sqrt 2) (magnitude 1+i))
(define pi (acos -1))
(check '(0 0 0.0 0.0) (list (angle 5) (angle 0) (angle 1.5) (angle 0.)))
(check (list pi pi pi (/ pi 2) (- (/ pi 2)) (- pi)) (list (angle -1) (angle -1.5) (angle -0.) (angle +i) (angle -2i) (angle -1.0-0.0i)))
(check (atan 2 1) (angle (make-rectangular (expt 10 400) (* 2 (expt 10 400)))))
(check '(5 5.0 -5 0) (list (make-polar 5 0) (make-polar 5. 0) (make-polar -5 0) (make-polar 0 1.5)))
(check-close 1.0+1.7320508075688772i (make-polar 2 (/ pi 3)))
(check '(1+2i 1 1.5 1.0+2.0i) (list (make-rectangular 1 2) (make-rectangular 1 0) (make-rectangular 1.5 0) (make-rectangular 1. 2)))

;;; Roots

(check '(+i +2i +1/2i 1+2i 2-i 1/2+3/4i -i) (list (sqrt -1) (sqrt -4) (sqrt -1/4) (sqrt -3+4i) (sqrt 3-4i) (sqrt (square 1/2+3/4i)) (- (sqrt -1))))
(check '(0.0+2.0i 0.0+2.0i 0.0+2.0i 2.0-0.0i -0.0) (list (sqrt -4.) (sqrt -4.0+0.0i) (sqrt -4.0-0.0i) (sqrt 4.0-0.0i) (sqrt -0.)))
(check (make-rectangular 0 (sqrt 2.)) (sqrt -2))
(check (make-rectangular 0 (expt 10 200)) (sqrt (- (expt 10 400))))
(check-close 1.09868411346781+0.45508986056222733i (sqrt 1+i))
(check-close 1.09868411346781e200+0.45508986056222733e200i (sqrt (make-rectangular (expt 10 400) (expt 10 400))))
(check-close 1.09868411346781e-200+0.45508986056222733e-200i (sqrt (/ 1+i (expt 10 400))))
(check-close 1e150+1e150i (sqrt (make-rectangular 0 2e300)))
(check '(0.0+inf.0i +inf.0+inf.0i) (list (sqrt -inf.0) (sqrt 1.0+inf.0i)))

;;; Powers

(check '(-1 -i 1 +i 1 1 +32i -1/4 -1/32i)
       (list (expt +i 2) (expt +i 3) (expt +i 4) (expt +i (+ 1 (* 4 (expt 10 30)))) (expt 1+i 0) (expt 1.0+i 0)
             (expt 1+i 10) (expt 1+i -4) (expt 1+i -10)))
(check '(-3.0+4.0i -7-24i +i 1+2i) (list (expt 1.0+2.0i 2) (expt 1+2i 4) (expt -1 1/2) (expt -3+4i 1/2)))
(check (expt 1/2+3/4i 7) (let loop ((n 7) (z 1)) (if (= n 0) z (loop (- n 1) (* z 1/2+3/4i)))))
(check-close 1.0+1.7320508075688772i (expt -8 1/3))
(check-close +i (expt -1 .5))
(check-close 0.20787957635076193 (expt +i +i))
(check-close 1.5384778027279442+1.2779225526272695i (expt 2 1+i))
(check-close -0.016068722154341516+0.1978573782843612i (expt 1+i 1.0+2.5i))
(check '(0 0.0 0) (list (expt 0 1+i) (expt 0. 1+i) (expt 0 1/2)))
(check-error (expt 0 +i))
(check-error (expt 0 -1/2))
(check-error (expt 1+i (expt 10 30)))

;;; Functions: R7RS's formulas, and inverses

(define samples '(1+2i -1.5+0.25i 0.5-3.0i -2-2i 1/3+1/7i 0.0+0.5i 3.0+0.5i))
(for-each
 (lambda (z)
   (check-close z (exp (log z)))
   (check-close z (sin (asin z)))
   (check-close z (cos (acos z)))
   (check-close z (tan (atan z)))
   (check-close z (square (sqrt z)))
   (check-close (/ (- (exp (* +i z)) (exp (* -i z))) +2i) (sin z))
   (check-close (/ (+ (exp (* +i z)) (exp (* -i z))) 2) (cos z))
   (check-close (/ (sin z) (cos z)) (tan z))
   (check-close (* -i (log (+ (* +i z) (sqrt (- 1 (* z z)))))) (asin z))
   (check-close (- (/ pi 2) (asin z)) (acos z))
   (check-close (/ (- (log (+ 1 (* +i z))) (log (- 1 (* +i z)))) +2i) (atan z))
   (check-close (/ (log z) (log 1+i)) (log z 1+i))
   (check-close z (make-polar (magnitude z) (angle z)))
   (check-close z (+ (real-part z) (* +i (imag-part z)))))
 samples)
(check (list 0 1 0 1 0) (list (log 1) (exp 0) (sin 0) (cos 0) (atan 0)))
(check (list (make-rectangular 0. pi) (make-rectangular (log 2) pi) (make-rectangular 0. (/ pi 2))) (list (log -1) (log -2) (log +i)))
(check (list (make-rectangular 0. pi) (make-rectangular 0. (- pi)) (make-rectangular -inf.0 pi) -inf.0)
       (list (log -1.0+0.0i) (log -1.0-0.0i) (log -0.) (log 0.)))
(check-close 3.0 (log 8+0.0i 2))
(check-close (/ (log -8) (log 2)) (log -8 2))
(check-close (make-rectangular (+ (* 400 (log 10)) (/ (log 2) 2)) (/ pi 4))
             (log (make-rectangular (expt 10 400) (expt 10 400))))
;; An angle that no flonum equals.
(define big (expt 10 23))
(check (make-rectangular (cos big) (sin big)) (make-polar 1 big))
(check (make-rectangular (cos big) (sin big)) (exp (make-rectangular 0 big)))
(check #f (reads (string-append "1@1" (make-string 40000 #\0))))
(check #f (reads (string-append "#e1@1" (make-string 40000 #\0))))
;; On the cuts: exact zeros by the formula, inexact ones by their signs.
(define area (log (+ 2 (sqrt 3))))
(check-close (make-rectangular (/ pi 2) (- area)) (asin 2))
(check-close (make-rectangular (/ pi -2) area) (asin -2))
(check-close (make-rectangular 0 area) (acos 2))
(check-close (make-rectangular pi (- area)) (acos -2))
(check-close (make-rectangular (/ pi 2) area) (asin 2.0+0.0i))
(check-close (make-rectangular (/ pi 2) (- area)) (asin 2.0-0.0i))
(check-close (make-rectangular (/ pi 2) (/ (log 3) 2)) (atan +2i))
(check-close (make-rectangular (/ pi -2) (/ (log 3) -2)) (atan -2i))
(check-close (make-rectangular (/ pi -2) (/ (log 3) 2)) (atan -0.0+2.0i))
(check-close (make-rectangular 0 (/ (log 3) 2)) (atan +1/2i))
(check-error (atan +i))
(check-error (atan -i))
(check-close (make-rectangular (/ pi -2) (+ (* 400 (log 10)) (log 2))) (asin (- (expt 10 400))))

(report 'complex)
