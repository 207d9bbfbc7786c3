package price_test

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/examples/scheduler-plugin/price"
)

func TestTheCheapestNodeScoresBest(t *testing.T) {
	scores := fwk.NodeScoreList{{Name: "dear", Score: 800}, {Name: "cheap", Score: 200}, {Name: "free", Score: 0}}
	(&price.Plugin{}).NormalizeScore(t.Context(), nil, nil, scores)
	want := fwk.NodeScoreList{{Name: "dear", Score: 0}, {Name: "cheap", Score: 75}, {Name: "free", Score: 100}}
	if !slices.Equal(scores, want) {
		t.Errorf("got %v, want %v", scores, want)
	}
}

func TestArgumentsThatMakeNoSenseAreRefused(t *testing.T) {
	_, err := price.New(t.Context(), &runtime.Unknown{Raw: []byte(`{"maxPrice": -1}`)}, nil)
	if err == nil || !strings.Contains(err.Error(), "maxPrice of Price is -1: it must not be negative") {
		t.Errorf("got %v", err)
	}
}
