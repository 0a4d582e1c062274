package learn

import (
	"errors"
	"math"
)

// gram is the sum of weight * x * transposed x over some samples, and of weight * x * y, for rows that are extended by
// a constant 1 at the end. Sums of disjoint sets of samples add up.
type gram struct {
	n      int       // numbers of a row, the constant included
	a      []float64 // n by n, the lower triangle
	b      []float64
	weight float64
}

func newGram(n int) *gram {
	return &gram{n: n + 1, a: make([]float64, (n+1)*(n+1)), b: make([]float64, n+1)}
}

func (g *gram) add(x []float64, y, weight float64) {
	at := func(i int) float64 {
		if i == g.n-1 {
			return 1
		}
		return x[i]
	}
	for i := range g.n {
		w := weight * at(i)
		row := g.a[i*g.n : i*g.n+i+1]
		for k := range min(len(row), len(x)) {
			row[k] += w * x[k]
		}
		if i == g.n-1 {
			row[i] += w
		}
		g.b[i] += w * y
	}
	g.weight += weight
}

func (g *gram) plus(o *gram, sign float64) {
	for i, v := range o.a {
		g.a[i] += sign * v
	}
	for i, v := range o.b {
		g.b[i] += sign * v
	}
	g.weight += sign * o.weight
}

// errSingular reports equations without one solution.
var errSingular = errors.New("the samples do not determine the weights")

// solve returns the ridge regression: the weights, the constant last, that minimise the sum of squared errors and lambda
// times the sum of the squared weights without the constant.
func (g *gram) solve(lambda float64) ([]float64, error) {
	n := g.n
	l := make([]float64, n*n)
	copy(l, g.a)
	for i := range n - 1 {
		l[i*n+i] += lambda
	}
	for i := range n { // Cholesky: a = l * transposed l
		for k := range i + 1 {
			sum := l[i*n+k]
			for j := range k {
				sum -= l[i*n+j] * l[k*n+j]
			}
			if i > k {
				l[i*n+k] = sum / l[k*n+k]
				continue
			}
			if !(sum > 1e-12) {
				return nil, errSingular
			}
			l[i*n+i] = math.Sqrt(sum)
		}
	}
	w := make([]float64, n)
	for i := range n {
		sum := g.b[i]
		for k := range i {
			sum -= l[i*n+k] * w[k]
		}
		w[i] = sum / l[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		sum := w[i]
		for k := i + 1; k < n; k++ {
			sum -= l[k*n+i] * w[k]
		}
		w[i] = sum / l[i*n+i]
	}
	return w, nil
}
