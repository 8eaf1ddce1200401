//! Which edits make a domain right, each with its rule and its reason.
