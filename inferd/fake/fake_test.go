package fake_test

import (
	"fmt"
	"testing"

	"github.com/chortle-audio/chortle/inferd/fake"
)

func ExampleModel() {
	samples := make([]float32, 15600+7680)
	for i := 15600 / 2; i < len(samples); i++ { // the second window is loud, the first one half so
		samples[i] = 0.8 * float32(1-i%32/16*2) // a square wave
	}
	scores := make([]float32, 2*4)
	if err := (fake.Model{}).Predict(samples, 7680, scores); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%.1f\n", scores)
	// Output: [0.6 0.0 0.4 0.2 0.2 0.0 0.8 0.4]
}

func TestDescription(t *testing.T) {
	t.Parallel()
	if err := (fake.Model{}).Describe().Validate(); err != nil {
		t.Error(err)
	}
}
