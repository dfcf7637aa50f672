// SPDX-License-Identifier: GPL-3.0-or-later
// Precompiled for every folder of core/ and its tests: what most translation units read anyway, and what seldom changes.
// A file still includes what it uses; only headers of libraries and the vocabulary of base belong here.
#pragma once

#include <core/api/result.h>
#include <core/base/asio.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>
