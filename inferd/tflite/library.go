// Package tflite runs TF Lite models on one thread each, by libtensorflowlite_c.so, which is opened at
// run time: no C compiler is needed.
//
// A Library is closed after the Models that it loaded. Nothing here is safe for concurrent use, except
// that different interpreters may be invoked side by side.
package tflite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/chortle-audio/chortle/internal/artifacts"
)

// Library is an opened libtensorflowlite_c.so.
type Library struct {
	handle uintptr

	version              func() string
	modelCreate          func(data unsafe.Pointer, size uintptr) uintptr
	modelDelete          func(model uintptr)
	optionsCreate        func() uintptr
	optionsDelete        func(options uintptr)
	optionsSetNumThreads func(options uintptr, n int32)
	optionsAddDelegate   func(options, delegate uintptr)
	interpreterCreate    func(model, options uintptr) uintptr
	interpreterDelete    func(interpreter uintptr)
	resizeInput          func(interpreter uintptr, index int32, dims *int32, n int32) int32
	allocateTensors      func(interpreter uintptr) int32
	invoke               func(interpreter uintptr) int32
	inputTensor          func(interpreter uintptr, index int32) uintptr
	outputTensor         func(interpreter uintptr, index int32) uintptr
	tensorType           func(tensor uintptr) int32
	tensorNumDims        func(tensor uintptr) int32
	tensorDim            func(tensor uintptr, index int32) int32
	tensorData           func(tensor uintptr) unsafe.Pointer
	xnnpackCreate        func(options *xnnpackOptions) uintptr
	xnnpackDelete        func(delegate uintptr)
	weightsCacheCreate   func() uintptr
	weightsCacheFinalize func(cache uintptr) bool
	weightsCacheDelete   func(cache uintptr)
}

// Open loads the library at path. The error names the remedy.
func Open(path string) (*Library, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open TF Lite library %s: no such file; run orchestrator setup, or set CHORTLE_TFLITE_LIBRARY to a libtensorflowlite_c.so", path)
	}
	runtime.LockOSThread() // the loader keeps the cause of an error for the thread that asked
	defer runtime.UnlockOSThread()
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("open TF Lite library: %w", artifacts.Unloadable(path, err))
	}
	l := &Library{handle: handle}
	for _, f := range []struct {
		name string
		fptr any
	}{
		{"TfLiteVersion", &l.version},
		{"TfLiteModelCreate", &l.modelCreate},
		{"TfLiteModelDelete", &l.modelDelete},
		{"TfLiteInterpreterOptionsCreate", &l.optionsCreate},
		{"TfLiteInterpreterOptionsDelete", &l.optionsDelete},
		{"TfLiteInterpreterOptionsSetNumThreads", &l.optionsSetNumThreads},
		{"TfLiteInterpreterOptionsAddDelegate", &l.optionsAddDelegate},
		{"TfLiteInterpreterCreate", &l.interpreterCreate},
		{"TfLiteInterpreterDelete", &l.interpreterDelete},
		{"TfLiteInterpreterResizeInputTensor", &l.resizeInput},
		{"TfLiteInterpreterAllocateTensors", &l.allocateTensors},
		{"TfLiteInterpreterInvoke", &l.invoke},
		{"TfLiteInterpreterGetInputTensor", &l.inputTensor},
		{"TfLiteInterpreterGetOutputTensor", &l.outputTensor},
		{"TfLiteTensorType", &l.tensorType},
		{"TfLiteTensorNumDims", &l.tensorNumDims},
		{"TfLiteTensorDim", &l.tensorDim},
		{"TfLiteTensorData", &l.tensorData},
		{"TfLiteXNNPackDelegateCreate", &l.xnnpackCreate},
		{"TfLiteXNNPackDelegateDelete", &l.xnnpackDelete},
		{"TfLiteXNNPackDelegateWeightsCacheCreate", &l.weightsCacheCreate},
		{"TfLiteXNNPackDelegateWeightsCacheFinalizeHard", &l.weightsCacheFinalize},
		{"TfLiteXNNPackDelegateWeightsCacheDelete", &l.weightsCacheDelete},
	} {
		symbol, err := purego.Dlsym(handle, f.name)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open TF Lite library %s: it has no %s; set CHORTLE_TFLITE_LIBRARY to a libtensorflowlite_c.so with XNNPACK", path, f.name), l.Close())
		}
		purego.RegisterFunc(f.fptr, symbol)
	}
	return l, nil
}

// Version of TF Lite, such as "2.17.1".
func (l *Library) Version() string { return l.version() }

// Close unloads the library.
func (l *Library) Close() error { return purego.Dlclose(l.handle) }
