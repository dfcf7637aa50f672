// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Reading and changing Celery's signatures; canvas.h says what they are.
namespace portolan::queue {

enum class Kind : std::uint8_t { Task, Group, Chain, Chord };

/// celery.map, celery.starmap and celery.chunks are tasks of Celery's workers and sent as such.
[[nodiscard]] Kind kindOf(const boost::json::object &signature);
[[nodiscard]] const boost::json::object &optionsOf(const boost::json::object &signature);
/// A keyword argument; null: it has none of that name.
[[nodiscard]] const boost::json::value *argumentOf(const boost::json::object &signature, std::string_view key);
/// Whether an option concerns one task, and not all of what is sent together.
[[nodiscard]] bool isOwnOption(std::string_view key);

/// "" where there is none.
[[nodiscard]] std::string_view textOf(const boost::json::object &object, std::string_view key);
[[nodiscard]] std::optional<std::int64_t> integerOf(const boost::json::object &object, std::string_view key);
/// A list or a single one, as options hold them.
[[nodiscard]] boost::json::array signatureList(const boost::json::value *value);
/// A number of seconds, or a time as Python's JSON encoders write it. False: neither.
[[nodiscard]] bool readTime(const boost::json::value *value, WallTime now, std::optional<WallTime> &into);
[[nodiscard]] std::optional<std::chrono::milliseconds> limitOf(const boost::json::object &options,
                                                               std::string_view key);

boost::json::object &objectAt(boost::json::object &parent, std::string_view key); ///< made when it is none
void setMissing(boost::json::object &options, std::string_view key, const boost::json::value &value);
void extendList(boost::json::object &options, std::string_view key, const boost::json::value *more);

/// How the end of one part of a chord is noted: [1, task id, state, result].
[[nodiscard]] std::string chordMember(std::string_view id, std::string_view state, std::string_view result);

/// A failure of the same type as `failure` (failureJson()) in a few words, for what ends with it.
[[nodiscard]] std::string shortFailure(std::string_view failure);

} // namespace portolan::queue
