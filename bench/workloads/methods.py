"""Objects that call one another: attributes, methods, inheritance."""

import time


class Shape:
    def __init__(self, size):
        self.size = size

    def area(self):
        return 0

    def grown(self, by):
        return type(self)(self.size + by)


class Square(Shape):
    def area(self):
        return self.size * self.size


class Slab(Square):
    def area(self):
        return super().area() * 2


def handler(event):
    began = time.perf_counter()
    check = 0
    shapes = [Square(1), Slab(2), Square(3)]
    for _ in range(40_000):
        shapes = [shape.grown(1) if shape.size < 100 else type(shape)(1) for shape in shapes]
        check += sum(shape.area() for shape in shapes)
    return {"seconds": time.perf_counter() - began, "check": check}
