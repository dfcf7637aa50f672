// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>

namespace portolan::http {

/// Raises this process' limit of open files to the hard limit and returns what it is then. For main(), before the
/// server starts; a server of 10,000 connections does not fit the usual soft limit of 1,024.
std::size_t raiseFileLimit();

} // namespace portolan::http
