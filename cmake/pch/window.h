// SPDX-License-Identifier: GPL-3.0-or-later
// Precompiled for ui/ and the tests with windows.
#pragma once

#include <core/api/result.h>

#include <QtCore>
#include <QtWidgets>

#include <boost/describe.hpp>
#include <boost/mp11.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
