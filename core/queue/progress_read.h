// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/queue/results.h"

#include <optional>
#include <string>

namespace portolan::queue {

/// What the meta of a task's state says about how far it is, in any of the usual spellings (see state::progress);
/// nothing: there is no figure in it. Never more done than there is; fractions are told in percent.
std::optional<Progress> progressOf(const boost::json::value &meta);

/// The text for people beside such figures; empty: none.
std::string progressNote(const boost::json::value &meta);

} // namespace portolan::queue
