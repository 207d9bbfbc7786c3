package naming

// place is what a value of a document is, as far as API versions are concerned.
type place uint8

const (
	// elsewhere is what a person wrote in a spec, and all else that has nothing to be spelled.
	elsewhere place = iota
	// object is an object, a list, a table, a row of one, an event of a watch, options, or an apply configuration.
	object
	// objects are the items of a list and the rows of a table.
	objects
	metadata
	owners
	owner
	managers
	manager
	// version and kindName are the words by which an object, an owner or a manager says what it is.
	version
	kindName
)

// field is what the value of a field of an object is.
func (p place) field(name []byte) place {
	switch p {
	case object:
		switch string(name) {
		case "metadata":
			return metadata
		case "items", "rows":
			return objects
		case "object": // of an event, and of a row
			return object
		}
		return word(name)
	case metadata:
		switch string(name) {
		case "ownerReferences":
			return owners
		case "managedFields":
			return managers
		}
	case owner, manager:
		return word(name)
	}
	return elsewhere
}

func word(name []byte) place {
	switch string(name) {
	case "apiVersion":
		return version
	case "kind":
		return kindName
	}
	return elsewhere
}

// element is what the elements of a list are; elsewhere where the place is no list.
func (p place) element() place {
	switch p {
	case objects:
		return object
	case owners:
		return owner
	case managers:
		return manager
	}
	return elsewhere
}

// hasFields reports that a place is an object in which something may have to be spelled.
func (p place) hasFields() bool {
	return p == object || p == metadata || p == owner || p == manager
}
