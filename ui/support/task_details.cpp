// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/task_details.h"

#include "ui/support/format.h"
#include "ui/support/literal_text.h"
#include "ui/support/words.h"

#include <QCoreApplication>
#include <QJsonArray>
#include <QJsonObject>
#include <QStringList>
#include <algorithm>
#include <utility>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("task", source); }

constexpr qsizetype mostElements = 20;

QString scalarText(const QJsonValue &value)
{
    if (value.isString())
        return value.toString();
    if (value.isDouble())
        return value.toInteger() != 0 && double(value.toInteger()) == value.toDouble()
                   ? QString::number(value.toInteger())
                   : numberText(value.toDouble());
    if (value.isBool())
        return value.toBool() ? tr("yes") : tr("no");
    return QStringLiteral("–");
}

bool isScalar(const QJsonValue &value) { return !value.isObject() && !value.isArray(); }

bool isOwner(const TaskInfo &task, const QString &name, const QJsonValue &value)
{
    return name == "user_id" && task.owner != 0 && !task.ownerAddress.empty() &&
           value.toVariant().toString() == QString::number(task.owner);
}

/// In one line: "date 2026-11-02, close 11.34".
QString flatText(const QJsonValue &value)
{
    QStringList parts;
    const QJsonObject object = value.toObject();
    for (auto member = object.begin(); member != object.end(); ++member)
        parts << member.key() + ' ' + flatText(member.value());
    for (const auto &element : value.toArray())
        parts << flatText(element);
    return isScalar(value) ? scalarText(value) : parts.join(", ");
}

/// A value for people: an object's members on lines of their own, and so are the elements of a list that are no plain
/// values.
class ValueLines final
{
public:
    ValueLines(QStringList &lines, const TaskInfo &task) : m_lines(lines), m_task(task) {}

    void add(const QString &indent, const QString &name, const QJsonValue &value)
    {
        if (isOwner(m_task, name, value))
            m_lines << indent + name + ": " + text(m_task.ownerAddress);
        else if (value.isArray())
            addArray(indent, name, value.toArray());
        else if (value.isObject())
            addMembers(indent, name, value.toObject());
        else
            m_lines << indent + name + ": " + scalarText(value);
    }

private:
    void addMembers(const QString &indent, const QString &name, const QJsonObject &object)
    {
        m_lines << indent + name + (object.isEmpty() ? QStringLiteral(": –") : QStringLiteral(":"));
        for (auto member = object.begin(); member != object.end(); ++member)
            add(indent + "    ", member.key(), member.value());
    }

    void addArray(const QString &indent, const QString &name, const QJsonArray &array)
    {
        const bool plain = std::all_of(array.begin(), array.end(), isScalar);
        if (plain) {
            m_lines << indent + name + ": " + (array.isEmpty() ? QStringLiteral("–") : flatText(array));
            return;
        }
        m_lines << indent + name + ":";
        for (qsizetype i = 0; i < std::min(array.size(), mostElements); ++i)
            m_lines << indent + "    " + flatText(array[i]);
        if (array.size() > mostElements)
            m_lines << indent + "    " + tr("and %1 more").arg(array.size() - mostElements);
    }

    QStringList &m_lines;
    const TaskInfo &m_task;
};

/// What a task was called with, or returned: values one after the other. What is no such text stands as it is.
void addValues(QStringList &lines, const TaskInfo &task, const QString &name, const std::string &written)
{
    if (written.empty())
        return;
    const auto literals = readLiterals(text(written));
    if (!literals) {
        lines << name + ": " + withPlainNumbers(text(written));
        return;
    }
    const auto isEmpty = [](const QJsonValue &value) {
        return (value.isArray() && value.toArray().isEmpty()) || (value.isObject() && value.toObject().isEmpty());
    };
    const bool several = literals->values.size() > 1;
    ValueLines out(lines, task);
    for (const QJsonValue &value : literals->values)
        if (!several || !isEmpty(value)) // a call's positional arguments, or those with names
            out.add({}, name, value);
    if (literals->cut)
        lines << tr("(the rest was too long to be shown)");
}

} // namespace

QString argumentsText(const TaskInfo &task)
{
    const auto literals = readLiterals(text(task.arguments));
    if (!literals)
        return withPlainNumbers(text(task.arguments));
    QStringList parts;
    for (const QJsonValue &value : literals->values) {
        QJsonObject members = value.toObject();
        if (isOwner(task, "user_id", members.value("user_id")))
            members.remove("user_id");
        const QString words = value.isObject() ? flatText(members) : flatText(value);
        if (!words.isEmpty())
            parts << words;
    }
    return parts.join(", ") + (literals->cut ? QStringLiteral("…") : QString());
}

QString placeText(const TaskInfo &task)
{
    QString words = placeWord(task.place);
    const auto fraction = task.progress ? fractionOf(*task.progress) : std::nullopt;
    if (fraction && task.place != TaskPlace::Ended)
        words += QString(" %1 %").arg(int(*fraction * 100 + 1e-6)); // 0.29 is a little less than that
    return words;
}

QString taskDetails(const TaskInfo &task)
{
    QStringList lines{text(task.name), text(task.id), {}};
    const auto add = [&](const QString &name, const QString &value) {
        if (!value.isEmpty())
            lines << name + ": " + value;
    };
    add(tr("Place"), placeText(task));
    if (task.place == TaskPlace::Ended)
        add(tr("Outcome"), outcomeWord(task));
    add(tr("Owner"), text(task.ownerAddress));
    add(tr("Queue"), tr("%1, priority %2").arg(text(task.queue)).arg(task.priority));
    if (task.progress)
        add(tr("Progress"), withPlainNumbers(text(task.progress->note)));
    for (const auto &[name, time] : {std::pair(tr("Created"), task.created), std::pair(tr("Started"), task.started),
                                     std::pair(tr("Ended"), task.ended), std::pair(tr("Due"), task.eta)})
        add(name, time ? secondText(*time) : QString());
    addValues(lines, task, tr("Arguments"), task.arguments);
    addValues(lines, task, tr("Result"), task.result);
    add(tr("Error"), text(task.error));
    return lines.join('\n');
}

} // namespace portolan::ui
