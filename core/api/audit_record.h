// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/fact.h"

#include <string>
#include <string_view>
#include <vector>

namespace portolan {

/// One more field of an entry's detail: "email: ada@example.org, role: user".
void addField(std::string &record, std::string_view key, std::string_view value);

/// What came of an action as the audit log keeps it; empty where its name says all.
std::string recordOf(const std::vector<Fact> &facts);

} // namespace portolan
