;;; SPDX-License-Identifier: MIT
;;;
;;; Random numbers: random and random-seed!, and the sources of SRFI 27.

(define-record-type random-source
  (%make-random-source state)
  random-source?
  (state %random-source-state %set-random-source-state!))

;; Each new one draws the same numbers, until it is seeded otherwise.
(define (make-random-source)
  (let ((state (make-bytevector 32 0)))
    (%random-seed! state 0)
    (%make-random-source state)))

;; This one draws others in each run.
(define default-random-source (make-random-source))
(%random-seed! (%random-source-state default-random-source))

(define (random limit . source)
  (%random (%random-source-state (if (pair? source) (car source) default-random-source)) limit))
(define (random-integer limit)
  (%random-integer (%random-source-state default-random-source) limit))
(define (random-real) (%random-real (%random-source-state default-random-source)))

;; With an integer, which has the same numbers drawn in each run; without, others.
(define random-seed!
  (case-lambda
    (() (%random-seed! (%random-source-state default-random-source)))
    ((seed) (%random-seed! (%random-source-state default-random-source) seed))))

(define (random-source-state-ref source) (bytevector-copy (%random-source-state source)))
(define (random-source-state-set! source state)
  (if (not (%random-state? state))
      (error "random-source-state-set!: not a state of a random source:" state))
  (%set-random-source-state! source (bytevector-copy state)))
(define (random-source-randomize! source) (%random-seed! (%random-source-state source)))
(define (random-source-pseudo-randomize! source i j)
  (if (not (and (exact-nonnegative-integer? i) (exact-nonnegative-integer? j)))
      (error "random-source-pseudo-randomize!: not natural numbers:" i j))
  ;; Cantor's number of a pair: no two have the same seed.
  (%random-seed! (%random-source-state source) (+ j (quotient (* (+ i j) (+ i j 1)) 2))))

(define (random-source-make-integers source)
  (%random-source-state source)
  (lambda (limit) (%random-integer (%random-source-state source) limit)))

;; In steps of the unit if that is exact; a flonum's are as small as they can be.
(define (random-source-make-reals source . unit)
  (%random-source-state source)
  (if (and (pair? unit) (not (and (real? (car unit)) (< 0 (car unit) 1))))
      (error "random-source-make-reals: not between 0 and 1:" (car unit)))
  (if (and (pair? unit) (exact? (car unit)))
      (let ((steps (ceiling (/ 1 (car unit)))))
        (lambda ()
          (/ (+ 1 (%random-integer (%random-source-state source) (- steps 1))) steps)))
      (lambda () (%random-real (%random-source-state source)))))
