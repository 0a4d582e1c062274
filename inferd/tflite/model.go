package tflite

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"
)

// Model is a model file in memory, with interpreters that share its weights in the form in which
// XNNPACK wants them. Its input is of type I and its output of type O.
type Model[I, O Element] struct {
	// Interpreters may be invoked side by side.
	Interpreters []*Interpreter[I, O]

	library *Library
	handle  uintptr
	weights uintptr // XNNPACK's cache
}

// Element is what a tensor consists of.
type Element interface{ float32 | int8 }

// Load prepares n interpreters of one thread each. The input is given the dims in; a model that has no
// such input, or whose output then has other dims than out, is an error. The bytes of the file must
// stay where they are until Close: they lie outside of Go's memory, or are pinned.
func Load[I, O Element](l *Library, file []byte, n int, in, out []int) (*Model[I, O], error) {
	return load[I, O](l, file, n, in, out, signedOperators|unsignedOperators)
}

func load[I, O Element](l *Library, file []byte, n int, in, out []int, flags uint32) (*Model[I, O], error) {
	handle := l.modelCreate(unsafe.Pointer(unsafe.SliceData(file)), uintptr(len(file)))
	if handle == 0 {
		return nil, errors.New("read model: this is no TF Lite file, or it is damaged")
	}
	m := &Model[I, O]{library: l, handle: handle, weights: l.weightsCacheCreate()}
	if err := m.prepare(n, in, out, flags); err != nil {
		m.Close()
		return nil, fmt.Errorf("prepare model: %w", err)
	}
	return m, nil
}

// prepare keeps an order that XNNPACK needs: weights may move in memory until their cache is
// finalized, and allocating tensors takes note of where they are.
func (m *Model[I, O]) prepare(n int, in, out []int, flags uint32) error {
	for range n {
		if err := m.add(flags); err != nil {
			return err
		}
	}
	if !m.library.weightsCacheFinalize(m.weights) {
		return errors.New("XNNPACK could not store the weights")
	}
	for _, i := range m.Interpreters {
		if err := i.allocate(in, out); err != nil {
			return err
		}
	}
	return nil
}

func (m *Model[I, O]) add(flags uint32) error {
	l := m.library
	i := &Interpreter[I, O]{library: l}
	m.Interpreters = append(m.Interpreters, i)
	options := l.optionsCreate()
	defer l.optionsDelete(options)
	l.optionsSetNumThreads(options, 1)
	i.delegate = l.xnnpackCreate(&xnnpackOptions{threads: 1, flags: flags, weights: m.weights})
	l.optionsAddDelegate(options, i.delegate)
	if i.handle = l.interpreterCreate(m.handle, options); i.handle == 0 {
		return errors.New("TF Lite does not support its operators")
	}
	return nil
}

// Close gives back the memory of the model and its interpreters.
func (m *Model[I, O]) Close() {
	for _, i := range m.Interpreters {
		if i.handle != 0 {
			m.library.interpreterDelete(i.handle)
		}
		m.library.xnnpackDelete(i.delegate)
	}
	m.library.weightsCacheDelete(m.weights)
	m.library.modelDelete(m.handle)
}

// Interpreter runs a model. It is used by one goroutine at a time.
type Interpreter[I, O Element] struct {
	// Input and Output are the model's own memory: written before Invoke, and read after it.
	Input  []I
	Output []O

	library  *Library
	delegate uintptr
	handle   uintptr
}

// Invoke runs the model on Input and fills Output.
func (i *Interpreter[I, O]) Invoke() error {
	if status := i.library.invoke(i.handle); status != 0 {
		return fmt.Errorf("run model: TF Lite's status %d", status)
	}
	return nil
}

func (i *Interpreter[I, O]) allocate(in, out []int) (err error) {
	l := i.library
	dims := make([]int32, len(in))
	for k, n := range in {
		dims[k] = int32(n)
	}
	if l.resizeInput(i.handle, 0, &dims[0], int32(len(dims))) != 0 {
		return fmt.Errorf("it takes no input of %v", in)
	}
	if l.allocateTensors(i.handle) != 0 {
		return fmt.Errorf("its tensors could not be allocated for an input of %v", in)
	}
	if i.Input, err = elements[I](l, l.inputTensor(i.handle, 0), in); err != nil {
		return fmt.Errorf("check input: %w", err)
	}
	if i.Output, err = elements[O](l, l.outputTensor(i.handle, 0), out); err != nil {
		return fmt.Errorf("check output: %w", err)
	}
	return nil
}

// elements returns the memory of a tensor that has the wanted type and dims.
func elements[E Element](l *Library, tensor uintptr, want []int) ([]E, error) {
	var e E
	kind := int32(1) // kTfLiteFloat32
	if unsafe.Sizeof(e) == 1 {
		kind = 9 // kTfLiteInt8
	}
	if got := l.tensorType(tensor); got != kind {
		return nil, fmt.Errorf("elements are of TF Lite's type %d, want %d (%T)", got, kind, e)
	}
	count, dims := 1, make([]int, l.tensorNumDims(tensor))
	for k := range dims {
		dims[k] = int(l.tensorDim(tensor, int32(k)))
		count *= dims[k]
	}
	if !slices.Equal(dims, want) {
		return nil, fmt.Errorf("dims are %v, want %v", dims, want)
	}
	return unsafe.Slice((*E)(l.tensorData(tensor)), count), nil
}

// xnnpackOptions is TfLiteXNNPackDelegateOptions, with room for the fields of later versions; all that
// is zero means the default.
type xnnpackOptions struct {
	threads int32
	flags   uint32
	weights uintptr
	_       [16]uint64
}

// Flags of XNNPACK, the delegate that runs nearly all of a model: without them it leaves every
// quantised operator to TF Lite's own kernels, which are several times slower.
const (
	signedOperators   = 1
	unsignedOperators = 2
)
