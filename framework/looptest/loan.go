package looptest

import (
	"fmt"
	"reflect"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// loan is an object that a loop reads without a copy, by client.UnsafeDisableDeepCopy: in a manager it shares it with the cache, and
// so with all other loops.
type loan struct{ lent, stored client.Object }

// lend notes that what has been delivered is shared.
func (v *View) lend(stored, lent client.Object) {
	if reflect.TypeOf(stored) == reflect.TypeOf(lent) {
		v.loans = append(v.loans, loan{lent, stored})
	}
}

// returned says which of the objects that were lent have been changed, and ends all loans.
func (v *View) returned() error {
	loans := v.loans
	v.loans = nil
	for _, l := range loans {
		if !reflect.DeepEqual(l.lent, l.stored) {
			return fmt.Errorf("changes %s, which it shares with the cache: copy it first", nameOf(l.stored))
		}
	}
	return nil
}
