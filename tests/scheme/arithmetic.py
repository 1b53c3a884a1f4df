# SPDX-License-Identifier: MIT
"""Random arithmetic of all classes of numbers, compared with Python's: arithmetic.py SCHEME [SEED [COUNT]]

Exact results are wanted exactly. Of inexact ones the exact value is computed too, and the result is
to be near it; sums, products and functions of real flonums are those of IEEE and wanted to the bit.
"""
import cmath
import math
import random
import subprocess
import sys
from fractions import Fraction

scheme = sys.argv[1]
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
count = int(sys.argv[3]) if len(sys.argv) > 3 else 4000
rng = random.Random(seed)
digits = '0123456789abcdefghijklmnopqrstuvwxyz'


class Number:
    """Parts that are both Fraction or both float; a real number's imaginary part is None."""

    def __init__(self, re, im=None):
        if im is not None and not isinstance(im, float) and im == 0:
            im = None
        self.re, self.im = re, im

    exact = property(lambda self: not isinstance(self.re, float))
    finite = property(lambda self: self.exact or (math.isfinite(self.re) and
                                                  (self.im is None or math.isfinite(self.im))))

    def pair(self):
        return Fraction(self.re), Fraction(self.im or 0)

    def text(self, radix=10):
        if self.im is None:
            return real_text(self.re, radix)
        im = real_text(self.im, radix)
        return real_text(self.re, radix) + ('' if im[0] in '+-' else '+') + im + 'i'


def integer_text(n, radix):
    text = ''
    left = abs(n)
    while left or not text:
        text = digits[left % radix] + text
        left //= radix
    return '-' + text if n < 0 else text


def real_text(x, radix=10):
    if isinstance(x, float):
        if math.isnan(x):
            return '+nan.0'
        return ('+inf.0' if x > 0 else '-inf.0') if math.isinf(x) else repr(x)
    if x.denominator == 1:
        return integer_text(x.numerator, radix)
    return integer_text(x.numerator, radix) + '/' + integer_text(x.denominator, radix)


def parse_real(text):
    if text in ('+inf.0', '-inf.0', '+nan.0'):
        return float(text[:-2])
    return float(text) if '.' in text or 'e' in text else Fraction(text)


def parse(text):
    if not text.endswith('i'):
        return Number(parse_real(text))
    at = max(i for i in range(len(text)) if text[i] in '+-' and text[i - 1:i] != 'e')
    im = text[at:-1] if len(text) - at > 2 else text[at] + '1'
    re, im = parse_real(text[:at] or '0'), parse_real(im)
    return Number(re, im)


def to_float(q):
    try:
        return float(q)
    except OverflowError:
        return math.inf if q > 0 else -math.inf


# ---- Random numbers -----------------------------------------------------------------------------

def random_integer():
    kind = rng.randrange(5)
    if kind == 0:
        return rng.randint(-20, 20)
    if kind == 1:
        return rng.choice((2**62, -2**62, 2**63, 2**53, 10**18, 2**64)) + rng.randint(-2, 2)
    return rng.randint(-2**(bits := rng.randrange(1, 250 if kind < 4 else 1400)), 2**bits)


def random_exact():
    n = random_integer()
    return Fraction(n, rng.choice((1, 1, rng.randint(1, 30), abs(random_integer()) + 1)))


def random_float():
    kind = rng.randrange(6)
    if kind == 0:
        return rng.choice((0.0, -0.0, 1.0, -1.5, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
                           math.inf, -math.inf, math.nan, 2.0**53, 1e23))
    if kind == 1:
        return math.ldexp(rng.uniform(-1, 1), rng.randrange(-1074, 1024))
    if kind == 2:
        return float(rng.randint(-1000, 1000)) / rng.choice((1, 2, 4, 10))
    return rng.uniform(-100, 100)


def random_number():
    kind = rng.randrange(6)
    if kind < 2:
        return Number(random_exact())
    if kind < 4:
        return Number(random_float())
    part = random_exact if kind == 4 else (lambda: rng.uniform(-100, 100))
    return Number(part(), part())


# ---- What is wanted -----------------------------------------------------------------------------

def exact_operation(operation, x, y):
    (a, b), (c, d) = x.pair(), y.pair()
    if operation == '+':
        return Number(a + c, b + d)
    if operation == '-':
        return Number(a - c, b - d)
    if operation == '*':
        return Number(a * c - b * d, a * d + b * c)
    size = c * c + d * d
    return Number((a * c + b * d) / size, (b * c - a * d) / size)


def same_float(a, b):
    return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))


def same(a, b):
    """As eqv? has it."""
    if a.exact != b.exact or (a.im is None) != (b.im is None):
        return False
    if a.exact:
        return a.pair() == b.pair()
    return same_float(a.re, b.re) and (a.im is None or same_float(a.im, b.im))


def size(pair):
    return max(abs(pair[0]), abs(pair[1]))


def near(got, wanted, scale, ulps):
    """Is a float number within that many ulps of the scale of an exact one?"""
    if got.exact:
        return False
    for g, w in zip((got.re, got.im or 0.0), wanted.pair()):
        if not math.isfinite(g):
            if not (math.isinf(g) and math.isinf(to_float(w * (1 + Fraction(1, 2**50))))):
                return False
        elif abs(Fraction(g) - w) > ulps * scale / 2**53 + Fraction(2, 2**1074):
            return False
    return True


def check_operation(operation, x, y, got):
    zero = y.exact and y.pair() == (0, 0)
    if operation == '/' and zero:
        return got is None
    if got is None:
        return False
    if x.exact and y.exact:
        return same(got, exact_operation(operation, x, y))
    if not x.exact and not y.exact and x.im is None and y.im is None:
        return same(got, Number(float_operation(operation, x.re, y.re)))
    if not x.finite or not y.finite or (operation == '/' and y.pair() == (0, 0)):
        return not got.exact
    wanted = exact_operation(operation, x, y)
    if operation in '+-':
        return near(got, wanted, size(x.pair()) + size(y.pair()), 2)
    if (x.im is not None and y.im is not None) and size(x.pair()) * size(y.pair()) > Fraction(10)**307:
        return not got.exact # may overflow by the way
    return near(got, wanted, size(wanted.pair()), 8)


def float_operation(operation, a, b):
    if operation == '+':
        return a + b
    if operation == '-':
        return a - b
    if operation == '*':
        return a * b
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)
    return a / b


def compare(operation, x, y):
    a, b = x.re, y.re
    if any(isinstance(v, float) and math.isnan(v) for v in (a, b)):
        return False
    # Python compares a Fraction and a float that is finite as exact numbers.
    return {'=': a == b, '<': a < b, '>': a > b, '<=': a <= b, '>=': a >= b}[operation]


# ---- The tests: an expression, and what it says of the text of its result ------------------------

def test_operation():
    operation, x, y = rng.choice('+-*/'), random_number(), random_number()
    return (f'({operation} {x.text()} {y.text()})',
            lambda text: check_operation(operation, x, y, None if text == 'error' else parse(text)))


def test_nested():
    x, y, z = (Number(random_exact(), random_exact() if rng.random() < 0.5 else None) for _ in range(3))
    first, second = rng.choice('+-*'), rng.choice('+-*')
    wanted = exact_operation(second, exact_operation(first, x, y), z)
    return f'({second} ({first} {x.text()} {y.text()}) {z.text()})', lambda text: same(parse(text), wanted)


def test_compare():
    operation = rng.choice(('=', '<', '>', '<=', '>='))
    x = Number(rng.choice((random_exact, random_float))())
    y = Number(rng.choice((random_exact, random_float))())
    if x.finite and rng.random() < 0.5: # close to it, or the same
        y = Number(to_float(Fraction(x.re)) if x.exact else Fraction(x.re) + rng.choice((0, 1, Fraction(1, 10**30))))
    return (f'({operation} {x.text()} {y.text()})',
            lambda text: (text == '#t') == compare(operation, x, y))


def test_inexact():
    q = random_exact()
    if rng.random() < 0.5: # a tie, or next to one, subnormal too
        q = Fraction(2 * rng.getrandbits(rng.choice((53, 53, 20))) + 1) * Fraction(2)**rng.randrange(-1080, 960)
        q += q * rng.choice((0, 0, 1, -1)) * Fraction(1, 2**rng.randrange(60, 300))
    wanted = Number(to_float(q) or (0.0 if q >= 0 else -0.0))
    return f'(inexact {Number(q).text()})', lambda text: same(parse(text), wanted)


def test_exact():
    x = random_float()
    return (f'(exact {Number(x).text()})', lambda text:
            text == 'error' if not math.isfinite(x) else same(parse(text), Number(Fraction(x))))


def test_text():
    """As short as Python's, and the same digits."""
    x = random_float()
    if rng.random() < 0.3:
        x = math.ldexp(1.0, rng.randrange(-1074, 1024))
    figures = lambda text: text.lstrip('-').split('e')[0].replace('.', '').strip('0')
    return Number(x).text(), lambda text: same_float(parse(text).re, x) and figures(text) == figures(Number(x).text())


def test_radix():
    radix, x = rng.randrange(2, 37), Number(random_exact())
    return (f'(number->string {x.text()} {radix})', lambda text: text == f'"{x.text(radix)}"')


def test_radix_float():
    radix, x = rng.randrange(2, 37), Number(random_float(), random_float() if rng.random() < 0.5 else None)
    return (f'(let ((x {x.text()})) (eqv? x (string->number (number->string x {radix}) {radix})))',
            lambda text: text == '#t')


def test_division():
    name = rng.choice(('quotient', 'remainder', 'modulo', 'floor-quotient'))
    a, b = random_integer(), random_integer() or 7
    inexact = rng.random() < 0.3
    if inexact:
        a, b = (int(float(n % 10**300)) for n in (a, b))
        b = b or 7
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    wanted = {'quotient': quotient, 'remainder': a - quotient * b, 'modulo': a % b, 'floor-quotient': a // b}[name]
    mark = '.0' if inexact else ''
    if inexact:
        return (f'({name} {a}{mark} {b}{mark})', lambda text: parse(text).re == to_float(Fraction(wanted)))
    return f'({name} {a} {b})', lambda text: same(parse(text), Number(Fraction(wanted)))


def test_round():
    q = random_exact()
    if rng.random() < 0.3:
        q = Fraction(2 * random_integer() + 1, 2)
    name = rng.choice(('floor', 'ceiling', 'truncate', 'round'))
    wanted = {'floor': math.floor, 'ceiling': math.ceil, 'truncate': math.trunc, 'round': round}[name](q)
    return f'({name} {Number(q).text()})', lambda text: same(parse(text), Number(Fraction(wanted)))


def rational_root(q):
    n, d = math.isqrt(q.numerator), math.isqrt(q.denominator)
    return Fraction(n, d) if n * n == q.numerator and d * d == q.denominator else None


def test_sqrt():
    q = random_exact()
    if rng.random() < 0.4:
        q = q * q * rng.choice((1, -1))
    root = rational_root(abs(q))

    def check(text):
        got = parse(text)
        part = got.re if q >= 0 else got.im
        if root is not None:
            return same(got, Number(root) if q >= 0 else Number(Fraction(0), root))
        # The nearest double: the squares of the middles to its neighbours lie on both sides.
        low = (Fraction(part) + Fraction(math.nextafter(part, 0))) / 2
        high = (Fraction(part) + Fraction(math.nextafter(part, math.inf))) / 2
        return low**2 <= abs(q) <= high**2

    return f'(sqrt {Number(q).text()})', check


def test_expt():
    x = Number(Fraction(rng.randint(-30, 30), rng.randint(1, 9)), Fraction(rng.randint(-9, 9), rng.randint(1, 5)))
    n = rng.randint(-12, 12)
    wanted, base = Number(Fraction(1)), x
    for _ in range(abs(n)):
        wanted = exact_operation('*', wanted, base)
    zero = x.pair() == (0, 0)
    if n < 0 and not zero:
        wanted = exact_operation('/', Number(Fraction(1)), wanted)
    return (f'(expt {x.text()} {n})', lambda text:
            text == 'error' if n < 0 and zero else same(parse(text), wanted))


def test_function():
    name = rng.choice(('exp', 'log', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sqrt'))
    z = complex(rng.uniform(-20, 20), rng.uniform(-20, 20) * rng.choice((1, 1e-3)))
    wanted = getattr(cmath, name)(z)

    def check(text):
        got = parse(text)
        return abs(complex(got.re, got.im) - wanted) <= 1e-13 * max(abs(wanted), 1e-3)

    return f'({name} {Number(z.real, z.imag).text()})', check


def test_log():
    q = abs(random_exact()) + Fraction(1, 10**rng.randrange(1, 400))
    wanted = math.log(q.numerator) - math.log(q.denominator)
    return (f'(log {Number(q).text()})',
            lambda text: abs(parse(text).re - wanted) <= 1e-15 * math.log(q.numerator * q.denominator + 3))


def test_size():
    z = Number(random_exact(), random_exact())
    square = z.pair()[0]**2 + z.pair()[1]**2
    root = rational_root(square)

    def check(text):
        got = parse(text).re
        if root is not None:
            return got == root
        return math.isinf(got) or abs(Fraction(got)**2 - square) <= square / 2**51 + Fraction(1, 2**2100)

    return f'(magnitude {z.text()})', check


def test_junk():
    """Text near to a number's: none, or one that is written so that it reads back."""
    text = ''.join(rng.choice('+-+-..//@@iie10#xbf9n') for _ in range(rng.randrange(1, 12)))
    if rng.random() < 0.5:
        text = random_number().text()
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice('+-./@ie1#x0') + text[at + rng.randrange(2):]
    radix = rng.choice((2, 10, 10, 16, 19, 36))
    return (f'(let ((n (string->number "{text}" {radix})))'
            f' (or (not n) (eqv? n (string->number (number->string n {radix}) {radix}))))', lambda text: text == '#t')


tests = [value for name, value in list(globals().items()) if name.startswith('test_')]
weights = [6 if test is test_operation else 1 for test in tests]
cases = [test() for test in rng.choices(tests, weights, k=count)]
program = ['(define-syntax result (syntax-rules () ((_ expression) '
           "(begin (write (guard (e (#t 'error)) expression)) (newline)))))"]
program += [f'(result {expression})' for expression, _ in cases]
run = subprocess.run([scheme], input='\n'.join(program), capture_output=True, text=True, timeout=100)
lines = run.stdout.split('\n')[:-1]
failures = 0 if len(lines) == count and run.returncode == 0 else 1
if failures:
    print(f'FAILED: {len(lines)} results of {count}, status {run.returncode}: {run.stderr}')
for (expression, check), text in zip(cases, lines):
    try:
        ok = check(text)
    except (ValueError, TypeError): # no number
        ok = False
    if not ok:
        failures += 1
        print(f'FAILED: {expression} gave {text}')
print(f'arithmetic: seed {seed}, {count} expressions,', f'{failures} failed' if failures else 'all as they should be')
sys.exit(1 if failures else 0)
