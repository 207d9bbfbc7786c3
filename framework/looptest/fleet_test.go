package looptest_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Fleet wants a number of ships; it is to ships what a ReplicaSet is to pods.
type Fleet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              FleetSpec   `json:"spec,omitempty"`
	Status            FleetStatus `json:"status,omitempty"`
}

type FleetSpec struct {
	Ships int `json:"ships"`
}

type FleetStatus struct {
	Ships              int   `json:"ships"`
	Afloat             int   `json:"afloat"`
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

type Ship struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ShipSpec   `json:"spec,omitempty"`
	Status            ShipStatus `json:"status,omitempty"`
}

type ShipSpec struct {
	Cargo string `json:"cargo,omitempty"`
}

type ShipStatus struct {
	Afloat bool `json:"afloat,omitempty"`
}

type FleetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Fleet `json:"items"`
}

type ShipList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Ship `json:"items"`
}

func (f *Fleet) DeepCopyObject() runtime.Object {
	c := *f
	c.ObjectMeta = *f.ObjectMeta.DeepCopy()
	return &c
}

func (s *Ship) DeepCopyObject() runtime.Object {
	c := *s
	c.ObjectMeta = *s.ObjectMeta.DeepCopy()
	return &c
}

func (l *FleetList) DeepCopyObject() runtime.Object {
	c := *l
	c.Items = nil
	for _, f := range l.Items {
		c.Items = append(c.Items, *f.DeepCopyObject().(*Fleet))
	}
	return &c
}

func (l *ShipList) DeepCopyObject() runtime.Object {
	c := *l
	c.Items = nil
	for _, s := range l.Items {
		c.Items = append(c.Items, *s.DeepCopyObject().(*Ship))
	}
	return &c
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	gv := schema.GroupVersion{Group: "harbour.example.org", Version: "v1"}
	scheme.AddKnownTypes(gv, &Fleet{}, &FleetList{}, &Ship{}, &ShipList{})
	metav1.AddToGroupVersion(scheme, gv)
	return scheme
}

func newFleet(name string, ships int) *Fleet {
	return &Fleet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Spec: FleetSpec{Ships: ships}}
}

func newShip(fleet *Fleet) *Ship {
	return &Ship{ObjectMeta: metav1.ObjectMeta{Namespace: fleet.Namespace, GenerateName: fleet.Name + "-"}}
}

func newPirate() *Ship {
	return &Ship{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "pirate", UID: "pirate"}}
}

// admiral keeps as many ships as a fleet wants.
type admiral struct {
	// wrong makes a mistake; nil makes none.
	wrong func(fleet *Fleet, ships []*Ship, p *plan.Plan)
	// numbers names the ships by number; by default they are named at random.
	numbers bool
}

func (a admiral) loop() loop.Loop {
	return loop.New("admiral", a, loop.Owns(&Ship{}))
}

func (admiral) Observe(ctx context.Context, view loop.View, fleet *Fleet) ([]*Ship, error) {
	ships, err := loop.Borrow[*Ship](ctx, view, &ShipList{}, client.InNamespace(fleet.Namespace))
	if err != nil {
		return nil, fmt.Errorf("listing ships of Fleet %s: %w", client.ObjectKeyFromObject(fleet), err)
	}
	ships = slices.DeleteFunc(ships, func(ship *Ship) bool { return !metav1.IsControlledBy(ship, fleet) })
	slices.SortFunc(ships, func(a, b *Ship) int { return strings.Compare(a.Name, b.Name) })
	return ships, nil
}

func (a admiral) Plan(fleet *Fleet, ships []*Ship, _ time.Time) *plan.Plan {
	p := plan.New()
	if fleet.DeletionTimestamp != nil {
		return p
	}
	if a.wrong != nil {
		a.wrong(fleet, ships, p)
	}
	var sailing []*Ship
	for _, ship := range ships {
		if ship.DeletionTimestamp == nil {
			sailing = append(sailing, ship)
		}
	}
	why := fmt.Sprintf("%d ships wanted, %d are there", fleet.Spec.Ships, len(sailing))
	missing, surplus := difference(fleet, sailing)
	if a.numbers {
		missing, surplus = differenceByNumber(fleet, ships)
	}
	p.Create(why, missing...).OwnedBy(fleet)
	p.Delete(why, surplus...)
	wanted := fleet.DeepCopyObject().(*Fleet)
	wanted.Status = FleetStatus{Ships: len(sailing), ObservedGeneration: fleet.Generation}
	for _, ship := range sailing {
		if ship.Status.Afloat {
			wanted.Status.Afloat++
		}
	}
	p.Status(fleet, wanted)
	return p
}

// difference is what is missing of a fleet, and what it has too many of.
func difference(fleet *Fleet, sailing []*Ship) (missing, surplus []client.Object) {
	want, have := fleet.Spec.Ships, len(sailing)
	for range want - have {
		missing = append(missing, newShip(fleet))
	}
	for i := range have - want {
		surplus = append(surplus, sailing[i])
	}
	return missing, surplus
}

// differenceByNumber is the difference of a fleet whose ships are numbered from 0.
func differenceByNumber(fleet *Fleet, ships []*Ship) (missing, surplus []client.Object) {
	wanted := map[string]bool{}
	for i := range fleet.Spec.Ships {
		wanted[fmt.Sprintf("%s-%d", fleet.Name, i)] = true
	}
	for _, ship := range ships {
		if !wanted[ship.Name] && ship.DeletionTimestamp == nil {
			surplus = append(surplus, ship)
		}
		delete(wanted, ship.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		ship := newShip(fleet)
		ship.Name, ship.GenerateName = name, ""
		missing = append(missing, ship)
	}
	return missing, surplus
}
