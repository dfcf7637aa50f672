// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <boost/system/result.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan {

/// What went wrong, as the caller must tell it apart. The HTTP status of each is in core/http/problem.h.
enum class ErrorKind {
    Invalid,         ///< the caller's input is wrong; `fields` names where
    Unauthenticated, ///< nobody is signed in, or no longer
    Forbidden,       ///< signed in, but not allowed
    NotFound,        ///< does not exist, or not for this caller
    Conflict,        ///< exists already, or was changed meanwhile
    TooLarge,        ///< over a size bound
    RateLimited,     ///< over a limit or a ceiling; `retryAfter` says how long
    Unavailable,     ///< something this needs is away; `retryAfter` may say how long
    Full,            ///< Redis or the disk has no room; reading still works
    Timeout,         ///< no answer within the deadline; it may or may not have happened
    Cancelled,       ///< given up by the caller or by shutdown
    Protocol,        ///< the other side said something that makes no sense
    Unsupported,     ///< this deployment cannot do it
    Internal,        ///< a bug, or a failure nobody can act on
};
BOOST_DESCRIBE_ENUM(ErrorKind, Invalid, Unauthenticated, Forbidden, NotFound, Conflict, TooLarge, RateLimited,
                    Unavailable, Full, Timeout, Cancelled, Protocol, Unsupported, Internal)

/// One bad field: a JSON pointer into the request (RFC 6901) and what is wrong with it.
struct FieldError
{
    std::string pointer;
    std::string detail;
    bool operator==(const FieldError &) const = default;
};
BOOST_DESCRIBE_STRUCT(FieldError, (), (pointer, detail))

/// An expected failure, in words a person can act on. Never holds a secret.
struct Error
{
    ErrorKind kind = ErrorKind::Internal;
    std::string code;    ///< stable name, `redis-full`; the problem type of an HTTP answer. Empty: derived from kind
    std::string message; ///< one sentence: what failed, naming the thing
    std::string hint;    ///< the way out, or empty
    std::vector<FieldError> fields = {}; ///< only with ErrorKind::Invalid
    std::chrono::seconds retryAfter{0};  ///< zero: not said
    /// Keys of the settings that are at fault, or that mend it: "data_dir". Neither `message` nor `hint` says how they
    /// are set: an option, a variable and a field of a form are words of whoever shows it.
    std::vector<std::string> settings = {};
    /// Beside `code`, what a sentence of one's own is made of. Each may be empty.
    std::string about = {}; ///< as its owner writes it: an address, a file, a folder, the names of keys or commands
    std::string told = {};  ///< what the other side, or the system, said of it
    std::string mend = {};  ///< the command that mends it: "ACL SETUSER portal +evalsha"
    bool operator==(const Error &) const = default;
    static constexpr std::string_view jsonDefaulted[] = {"settings", "about", "told", "mend"};
};
BOOST_DESCRIBE_STRUCT(Error, (), (kind, code, message, hint, fields, retryAfter, settings, about, told, mend))

/// Thrown only where a Result is read without having been asked: a bug.
class BadResult final : public std::logic_error
{
public:
    explicit BadResult(Error error) : std::logic_error(error.message), m_error(std::move(error)) {}
    const Error &error() const { return m_error; }

private:
    Error m_error;
};

[[noreturn]] inline void throw_exception_from_error(const Error &error, const boost::source_location &)
{
    throw BadResult(error);
}

/// A value, or why there is none. Expected failures travel this way; exceptions are for bugs and lost I/O.
template <class T> using Result = boost::system::result<T, Error>;

/// Short ways to make the common errors.
inline Error failure(ErrorKind kind, std::string message, std::string hint = {})
{
    return Error{kind, {}, std::move(message), std::move(hint), {}, std::chrono::seconds{0}};
}

/// An error with the keys of the settings it is about (Error::settings).
inline Error ofSettings(Error error, std::vector<std::string> keys)
{
    error.settings = std::move(keys);
    return error;
}

/// An error with what it is about, and what was said of it (Error::about, Error::told).
inline Error aboutThat(Error error, std::string what, std::string told = {})
{
    error.about = std::move(what);
    error.told = std::move(told);
    return error;
}

/// Invalid for one field: the sentence, the JSON pointer of the field and what is wrong with it.
inline Error badField(std::string message, std::string pointer, std::string detail, std::string hint = {})
{
    Error error = failure(ErrorKind::Invalid, std::move(message), std::move(hint));
    error.fields.push_back({std::move(pointer), std::move(detail)});
    return error;
}

/// All of it for a person: sentences, each with its full stop. Fields are named as they are in the request.
inline std::string inWords(const Error &error)
{
    std::string text;
    const auto add = [&text](std::string_view sentence) {
        if (sentence.empty())
            return;
        text.append(text.empty() ? "" : " ").append(sentence);
        if (std::string_view(".!?)").find(text.back()) == std::string_view::npos)
            text += '.';
    };
    add(error.message);
    for (const auto &field : error.fields) {
        std::string name = field.pointer.starts_with('/') ? field.pointer.substr(1) : field.pointer;
        add(name.append(name.empty() ? "" : " ").append(field.detail));
    }
    add(error.hint);
    return text;
}

} // namespace portolan
