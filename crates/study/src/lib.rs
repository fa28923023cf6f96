//! zview: study.
