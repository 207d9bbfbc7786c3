package plan_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/orrery-dev/orrery/framework/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestCauseIsTheServersOwnAnswer(t *testing.T) {
	answer := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "web", errors.New("exceeded quota"))
	other := errors.New("connection refused")
	for _, tt := range []struct {
		name string
		err  error
		want error
	}{
		{"where it is wrapped", fmt.Errorf("creating Pod default/web: %w", answer), answer},
		{"where it is one of several errors", errors.Join(other, answer), answer},
		{"unless there is none", other, other},
		{"unless nothing failed", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := plan.Cause(tt.err); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
