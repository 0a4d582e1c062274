package yamnet

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// graph is what the front end needs to know of the model file.
type graph struct {
	// window and mel are constants of the model's own front end: the 400 weights of a step's samples,
	// and the weights of 257 frequencies in each of 64 bands. offset is added to every band.
	window, mel []float32
	offset      float32
	// scale and zero turn the logarithm of a band into the integer that the network takes.
	scale float32
	zero  int
	// logitScale and logitZero turn the integers behind the last layer into logits.
	logitScale float32
	logitZero  int
	// changed is the first byte of the file that was changed.
	changed int
}

// frontEnd names the operators of the model's own front end, and the first of the network, by their
// codes in TF Lite's schema.
var frontEnd = []int{
	45, 22, 36, 22, // cut the sound into steps that overlap
	18, 34, 22, // weigh with the window, pad with zeros
	131, 22, 135, // Fourier transform, magnitudes
	9, 73, 22, // mel bands, logarithm
	114, 22, 49, // quantise
	3,
}

// backEnd names the operators behind the logits: sigmoid, and back to floats.
var backEnd = []int{14, 6}

// cutEnds reads the constants of the model's own front end, and changes the file so that the model begins
// behind it and ends in front of its sigmoid: its input is then the quantised patch of 96 steps of 64 bands,
// its output the quantised logits.
//
// A TF Lite file is a flatbuffer: tables that refer to each other by offsets. This one's sha256 was
// checked before, so that its offsets need no checks here.
func cutEnds(data []byte) (graph, error) {
	root := place{data, 0}.follow()
	codes, subgraph, buffers := root.vector(1), root.vector(2).table(0), root.vector(4)
	tensors, inputs, outputs, operators := subgraph.vector(0), subgraph.vector(1), subgraph.vector(2), subgraph.vector(3)

	var kinds []int
	for i := range operators.u32() {
		code := codes.table(operators.table(i).scalar(0))
		kinds = append(kinds, max(code.scalar(0)&0xff, code.scalar(3))) // an old field of a byte, and a new one
	}
	if len(kinds) < len(frontEnd)+len(backEnd) || !slices.Equal(kinds[:len(frontEnd)], frontEnd) {
		return graph{}, fmt.Errorf("find front end: operators are %v, want them to begin with %v", kinds, frontEnd)
	}
	last := len(kinds) - len(backEnd) // the sigmoid
	if !slices.Equal(kinds[last:], backEnd) {
		return graph{}, fmt.Errorf("find logits: operators end with %v, want %v", kinds[last:], backEnd)
	}
	input := func(operator, i int) place {
		return tensors.table(operators.table(operator).vector(1).element(i).u32())
	}
	constant := func(tensor place) []float32 {
		bytes := buffers.table(tensor.scalar(2)).vector(0)
		values := make([]float32, bytes.u32()/4)
		for i := range values {
			values[i] = math.Float32frombits(uint32(bytes.element(i).u32()))
		}
		return values
	}
	network := len(frontEnd) - 1
	patch, logits := input(network, 0).field(4).follow(), input(last, 0).field(4).follow() // their quantisation
	g := graph{
		window: constant(input(4, 1)),
		mel:    constant(input(10, 1)),
		offset: constant(input(10, 2))[0],
		scale:  math.Float32frombits(uint32(patch.vector(2).element(0).u32())),
		zero:   patch.vector(3).element(0).u32(), // the lower half of 64 bits

		logitScale: math.Float32frombits(uint32(logits.vector(2).element(0).u32())),
		logitZero:  int(int32(logits.vector(3).element(0).u32())),
	}
	if len(g.window) != stepSamples || len(g.mel) != bands*(half+1) {
		return graph{}, fmt.Errorf("find front end: window of %d and mel bands of %d weights", len(g.window), len(g.mel))
	}
	input0 := inputs.element(0)
	input0.set(operators.table(network).vector(1).element(0).u32())
	output0 := outputs.element(0)
	output0.set(operators.table(last).vector(1).element(0).u32())
	// The vector of operators begins again in front of the network's first: a length, and its field's
	// offset, are all that changes.
	rest := place{data, operators.at + 4*network}
	rest.set(last - network)
	start := subgraph.field(3)
	start.set(rest.at - start.at)
	g.changed = min(input0.at, output0.at, rest.at, start.at)
	return g, nil
}

// place is one in a flatbuffer: of a table, a vector, or a value.
type place struct {
	data []byte
	at   int
}

func (p place) u32() int { return int(binary.LittleEndian.Uint32(p.data[p.at:])) }

func (p place) set(v int) { binary.LittleEndian.PutUint32(p.data[p.at:], uint32(v)) }

// follow goes where an offset points.
func (p place) follow() place { return place{p.data, p.at + p.u32()} }

// field is the place of a table's n-th field. One that is not there leads to a zero.
func (p place) field(n int) place {
	index := place{p.data, p.at - int(int32(p.u32()))}
	if 4+2*n >= index.u32()&0xffff {
		return place{make([]byte, 8), 0}
	}
	offset := place{p.data, index.at + 4 + 2*n}.u32() & 0xffff
	if offset == 0 {
		return place{make([]byte, 8), 0}
	}
	return place{p.data, p.at + offset}
}

// scalar is the value of a table's n-th field.
func (p place) scalar(n int) int { return p.field(n).u32() }

// vector is a table's n-th field: its length comes first, then its elements.
func (p place) vector(n int) place { return p.field(n).follow() }

// element is the place of a vector's i-th value of 32 bits.
func (p place) element(i int) place { return place{p.data, p.at + 4 + 4*i} }

// table is the one that a vector's i-th element points to.
func (p place) table(i int) place { return p.element(i).follow() }
