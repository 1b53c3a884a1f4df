/* SPDX-License-Identifier: MIT */
/*
 * The names that the libraries that are built in export: R7RS-small, section A, and the SRFIs. All
 * are bound in the system environment.
 */
#include "compile.h"

/* clang-format off */
const struct standard_library standard_libraries[] = {
    {"(scheme base)",
     "(* + - ... / < <= = => > >= _ abs and append apply assoc assq assv begin "
     "binary-port? boolean=? boolean? bytevector bytevector-append bytevector-copy "
     "bytevector-copy! bytevector-length bytevector-u8-ref bytevector-u8-set! "
     "bytevector? caar cadr call-with-current-continuation call-with-port "
     "call-with-values call/cc car case cdar cddr cdr ceiling char->integer char-ready? "
     "char<=? char<? char=? char>=? char>? char? close-input-port close-output-port "
     "close-port complex? cond cond-expand cons current-error-port current-input-port "
     "current-output-port define define-record-type define-syntax define-values "
     "denominator do dynamic-wind else eof-object eof-object? eq? equal? eqv? error "
     "error-object-irritants error-object-message error-object? even? exact "
     "exact-integer-sqrt exact-integer? exact? expt features file-error? floor "
     "floor-quotient floor-remainder floor/ flush-output-port for-each gcd "
     "get-output-bytevector get-output-string guard if include include-ci inexact "
     "inexact? input-port-open? input-port? integer->char integer? lambda lcm length let "
     "let* let*-values let-syntax let-values letrec letrec* letrec-syntax list "
     "list->string list->vector list-copy list-ref list-set! list-tail list? "
     "make-bytevector make-list make-parameter make-string make-vector map max member "
     "memq memv min modulo negative? newline not null? number->string number? numerator "
     "odd? open-input-bytevector open-input-string open-output-bytevector "
     "open-output-string or output-port-open? output-port? pair? parameterize peek-char "
     "peek-u8 port? positive? procedure? quasiquote quote quotient raise "
     "raise-continuable rational? rationalize read-bytevector read-bytevector! read-char "
     "read-error? read-line read-string read-u8 real? remainder reverse round set! "
     "set-car! set-cdr! square string string->list string->number string->symbol "
     "string->utf8 string->vector string-append string-copy string-copy! string-fill! "
     "string-for-each string-length string-map string-ref string-set! string<=? string<? "
     "string=? string>=? string>? string? substring symbol->string symbol=? symbol? "
     "syntax-error syntax-rules textual-port? truncate truncate-quotient "
     "truncate-remainder truncate/ u8-ready? unless unquote unquote-splicing "
     "utf8->string values vector vector->list vector->string vector-append vector-copy "
     "vector-copy! vector-fill! vector-for-each vector-length vector-map vector-ref "
     "vector-set! vector? when with-exception-handler write-bytevector write-char "
     "write-string write-u8 zero?)"},
    {"(scheme box)",
     "(box box? unbox set-box!)"},
    {"(scheme case-lambda)",
     "(case-lambda)"},
    {"(scheme char)",
     "(char-alphabetic? char-ci<=? char-ci<? char-ci=? char-ci>=? char-ci>? "
     "char-downcase char-foldcase char-lower-case? char-numeric? char-upcase "
     "char-upper-case? char-whitespace? digit-value string-ci<=? string-ci<? string-ci=? "
     "string-ci>=? string-ci>? string-downcase string-foldcase string-upcase)"},
    {"(scheme complex)",
     "(angle imag-part magnitude make-polar make-rectangular real-part)"},
    {"(scheme cxr)",
     "(caaaar caaadr caaar caadar caaddr caadr cadaar cadadr cadar caddar cadddr caddr "
     "cdaaar cdaadr cdaar cdadar cdaddr cdadr cddaar cddadr cddar cdddar cddddr cdddr)"},
    {"(scheme eval)",
     "(environment eval)"},
    {"(scheme file)",
     "(call-with-input-file call-with-output-file delete-file file-exists? "
     "open-binary-input-file open-binary-output-file open-input-file open-output-file "
     "with-input-from-file with-output-to-file)"},
    {"(scheme inexact)",
     "(acos asin atan cos exp finite? infinite? log nan? sin sqrt tan)"},
    {"(scheme lazy)",
     "(delay delay-force force make-promise promise?)"},
    {"(scheme load)",
     "(load)"},
    {"(scheme process-context)",
     "(command-line emergency-exit exit get-environment-variable "
     "get-environment-variables)"},
    {"(scheme r5rs)",
     "(* + - ... / < <= = => > >= _ abs acos and angle append apply asin assoc assq assv "
     "atan begin boolean? caaaar caaadr caaar caadar caaddr caadr caar cadaar cadadr "
     "cadar caddar cadddr caddr cadr call-with-current-continuation call-with-input-file "
     "call-with-output-file call-with-values car case cdaaar cdaadr cdaar cdadar cdaddr "
     "cdadr cdar cddaar cddadr cddar cdddar cddddr cdddr cddr cdr ceiling char->integer "
     "char-alphabetic? char-ci<=? char-ci<? char-ci=? char-ci>=? char-ci>? char-downcase "
     "char-lower-case? char-numeric? char-ready? char-upcase char-upper-case? "
     "char-whitespace? char<=? char<? char=? char>=? char>? char? close-input-port "
     "close-output-port complex? cond cons cos current-input-port current-output-port "
     "define define-syntax delay denominator display do dynamic-wind else eof-object? "
     "eq? equal? eqv? eval even? exact->inexact exact? exp expt floor for-each force gcd "
     "if imag-part inexact->exact inexact? input-port? integer->char integer? "
     "interaction-environment lambda lcm length let let* let-syntax letrec letrec-syntax "
     "list list->string list->vector list-ref list-tail list? load log magnitude "
     "make-polar make-rectangular make-string make-vector map max member memq memv min "
     "modulo negative? newline not null-environment null? number->string number? "
     "numerator odd? open-input-file open-output-file or output-port? pair? peek-char "
     "positive? procedure? quasiquote quote quotient rational? rationalize read "
     "read-char real-part real? remainder reverse round scheme-report-environment set! "
     "set-car! set-cdr! sin sqrt string string->list string->number string->symbol "
     "string-append string-ci<=? string-ci<? string-ci=? string-ci>=? string-ci>? "
     "string-copy string-fill! string-length string-ref string-set! string<=? string<? "
     "string=? string>=? string>? string? substring symbol->string symbol? syntax-rules "
     "tan truncate values vector vector->list vector-fill! vector-length vector-ref "
     "vector-set! vector? with-input-from-file with-output-to-file write write-char "
     "zero?)"},
    {"(scheme read)",
     "(read)"},
    {"(scheme repl)",
     "(interaction-environment)"},
    {"(scheme time)",
     "(current-jiffy current-second jiffies-per-second)"},
    {"(scheme write)",
     "(display write write-shared write-simple)"},
    {"(srfi 0)",
     "(cond-expand)"},
    {"(srfi 1)",
     "(alist-cons alist-copy alist-delete alist-delete! any append! append-map "
     "append-map! append-reverse append-reverse! break break! car+cdr circular-list "
     "circular-list? concatenate concatenate! cons* count delete delete! "
     "delete-duplicates delete-duplicates! dotted-list? drop drop-right drop-right! "
     "drop-while eighth every fifth filter filter! filter-map find find-tail first fold "
     "fold-right fourth iota last last-pair length+ list-copy list-index list-tabulate "
     "list= lset-adjoin lset-diff+intersection lset-diff+intersection! lset-difference "
     "lset-difference! lset-intersection lset-intersection! lset-union lset-union! "
     "lset-xor lset-xor! lset<= lset= make-list map! map-in-order ninth not-pair? "
     "null-list? pair-fold pair-fold-right pair-for-each partition partition! "
     "proper-list? reduce reduce-right remove remove! reverse! second seventh sixth span "
     "span! split-at split-at! take take! take-right take-while take-while! tenth third "
     "unfold unfold-right unzip1 unzip2 unzip3 unzip4 unzip5 xcons zip)"},
    {"(srfi 2)",
     "(and-let*)"},
    {"(srfi 6)",
     "(open-input-string open-output-string get-output-string)"},
    {"(srfi 8)",
     "(receive)"},
    {"(srfi 9)",
     "(define-record-type)"},
    {"(srfi 11)",
     "(let-values let*-values)"},
    {"(srfi 16)",
     "(case-lambda)"},
    {"(srfi 23)",
     "(error)"},
    {"(srfi 26)",
     "(cut cute)"},
    {"(srfi 27)",
     "(default-random-source make-random-source random-integer random-real "
     "random-source-make-integers random-source-make-reals "
     "random-source-pseudo-randomize! random-source-randomize! random-source-state-ref "
     "random-source-state-set! random-source?)"},
    {"(srfi 28)",
     "(format)"},
    {"(srfi 30)",
     "()"},
    {"(srfi 31)",
     "(rec)"},
    {"(srfi 39)",
     "(make-parameter parameterize)"},
    {"(srfi 46)",
     "(syntax-rules let-syntax letrec-syntax define-syntax ... _)"},
    {"(srfi 62)",
     "()"},
    {"(srfi 69)",
     "(alist->hash-table hash hash-by-identity hash-table->alist hash-table-copy "
     "hash-table-delete! hash-table-equivalence-function hash-table-exists? "
     "hash-table-fold hash-table-hash-function hash-table-keys hash-table-merge! "
     "hash-table-ref hash-table-ref/default hash-table-set! hash-table-size "
     "hash-table-update! hash-table-update!/default hash-table-values hash-table-walk "
     "hash-table? make-hash-table string-ci-hash string-hash)"},
    {"(srfi 87)",
     "(case => else)"},
    {"(srfi 98)",
     "(get-environment-variable get-environment-variables)"},
    {"(srfi 111)",
     "(box box? unbox set-box!)"},
};
/* clang-format on */
const size_t standard_library_count = sizeof standard_libraries / sizeof *standard_libraries;
