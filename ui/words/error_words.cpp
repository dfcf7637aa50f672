// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/words/error_words.h"

#include "core/api/error_words.h"
#include "ui/support/format.h"
#include "ui/words/link_words.h"

#include <QCoreApplication>
#include <QStringList>
#include <algorithm>
#include <iterator>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("errors", source); }

struct Words
{
    std::string_view key;
    const char *words; ///< to be translated in the context "errors"
};

/// The fields of the page of the local stack, by the setting each sets.
constexpr Words fields[]{
    {"data_dir", QT_TRANSLATE_NOOP("errors", "Data directory")},
    {"database.url", QT_TRANSLATE_NOOP("errors", "Database")},
    {"listen", QT_TRANSLATE_NOOP("errors", "Listen")},
    {"redis.url", QT_TRANSLATE_NOOP("errors", "Redis")},
    {"tier", QT_TRANSLATE_NOOP("errors", "Tier")},
};

/// Of errors that are not a link's (link_words.h).
constexpr Words codes[]{
    {"invalid", QT_TRANSLATE_NOOP("errors", "it is not valid")},
    {"unauthenticated", QT_TRANSLATE_NOOP("errors", "nobody is signed in")},
    {"forbidden", QT_TRANSLATE_NOOP("errors", "it is not allowed")},
    {"not-found", QT_TRANSLATE_NOOP("errors", "it does not exist")},
    {"conflict", QT_TRANSLATE_NOOP("errors", "it does not fit what is there")},
    {"too-large", QT_TRANSLATE_NOOP("errors", "it is too large")},
    {"rate-limited", QT_TRANSLATE_NOOP("errors", "over a limit")},
    {"unavailable", QT_TRANSLATE_NOOP("errors", "something it needs is away")},
    {"full", QT_TRANSLATE_NOOP("errors", "no room left")},
    {"timeout", QT_TRANSLATE_NOOP("errors", "no answer in time")},
    {"cancelled", QT_TRANSLATE_NOOP("errors", "called off")},
    {"protocol", QT_TRANSLATE_NOOP("errors", "the answer made no sense")},
    {"unsupported", QT_TRANSLATE_NOOP("errors", "not possible here")},
    {"internal", QT_TRANSLATE_NOOP("errors", "an error of the portal")},
    {"redis-missing", QT_TRANSLATE_NOOP("errors", "redis-server is not installed")},
    {"redis-start", QT_TRANSLATE_NOOP("errors", "redis-server did not start")},
    {"redis-hung", QT_TRANSLATE_NOOP("errors", "redis-server does not answer")},
    {"redis-corrupt", QT_TRANSLATE_NOOP("errors", "the files of Redis are damaged")},
    {"redis-data", QT_TRANSLATE_NOOP("errors", "Redis cannot use its directory")},
    {"redis-in-use", QT_TRANSLATE_NOOP("errors", "another process uses the directory of Redis")},
    {"redis-url", QT_TRANSLATE_NOOP("errors", "the Redis URL is not valid")},
    {"redis-sentinel", QT_TRANSLATE_NOOP("errors", "Redis Sentinel is not supported")},
    {"data-dir-locked", QT_TRANSLATE_NOOP("errors", "another process uses the data directory")},
    {"database-newer", QT_TRANSLATE_NOOP("errors", "the database is of a newer version")},
};

template <std::size_t N> QString wordsOf(const Words (&all)[N], std::string_view key)
{
    const auto found = std::ranges::find(all, key, &Words::key);
    return found == std::end(all) ? QString() : tr(found->words);
}

} // namespace

QString errorText(const Error &error)
{
    QString words = text(portolan::wordsOf(error));
    QStringList inFields, others;
    for (const std::string &key : error.settings) {
        if (const QString field = wordsOf(fields, key); !field.isEmpty())
            inFields << field;
        else if (!words.contains(text(key)))
            others << text(key);
    }
    if (!inFields.isEmpty())
        words += ' ' + tr("It is set in the field %1.").arg(inFields.join(tr(" or ")));
    if (!others.isEmpty())
        words += ' ' + tr("The setting is %1.").arg(others.join(tr(" or ")));
    return words;
}

QString codeText(std::string_view code)
{
    if (const QString words = wordsOf(codes, code); !words.isEmpty())
        return words;
    const QString phrase = linkPhrase(code);
    return phrase.isEmpty() ? text(std::string(code)) : phrase;
}

} // namespace portolan::ui
