#include "ui/support/task_details.h"

#include "ui/support/format.h"
#include "ui/support/words.h"

#include <QCoreApplication>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QStringList>
#include <utility>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("task", source); }

/// A value of JSON, for people: an object's members on lines of their own.
void addValue(QStringList &lines, const QString &indent, const QString &name, const QJsonValue &value)
{
    if (value.isObject()) {
        lines << indent + name + ":";
        const QJsonObject object = value.toObject();
        for (auto member = object.begin(); member != object.end(); ++member)
            addValue(lines, indent + "    ", member.key(), member.value());
        return;
    }
    QString words;
    if (value.isString())
        words = value.toString();
    else if (value.isDouble())
        words = numberText(value.toDouble());
    else if (value.isBool())
        words = value.toBool() ? tr("yes") : tr("no");
    else if (value.isArray())
        words = withPlainNumbers(QString::fromUtf8(QJsonDocument(value.toArray()).toJson(QJsonDocument::Compact)));
    else
        words = QStringLiteral("–");
    lines << indent + name + ": " + words;
}

void addResult(QStringList &lines, const TaskInfo &task)
{
    if (task.result.empty())
        return;
    const QJsonDocument document = QJsonDocument::fromJson(QByteArray::fromStdString(task.result));
    if (document.isObject())
        addValue(lines, {}, tr("Result"), document.object());
    else // a plain value, or cut off
        lines << tr("Result") + ": " + withPlainNumbers(text(task.result));
}

} // namespace

QString placeText(const TaskInfo &task)
{
    QString words = placeWord(task.place);
    if (task.progress && task.place != TaskPlace::Ended)
        words += QString(" %1 %").arg(int(*task.progress * 100));
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
    add(tr("Progress"), withPlainNumbers(text(task.note)));
    for (const auto &[name, time] : {std::pair(tr("Created"), task.created), std::pair(tr("Started"), task.started),
                                     std::pair(tr("Ended"), task.ended), std::pair(tr("Due"), task.eta)})
        add(name, time ? secondText(*time) : QString());
    add(tr("Arguments"), withPlainNumbers(text(task.arguments)));
    addResult(lines, task);
    add(tr("Error"), text(task.error));
    return lines.join('\n');
}

} // namespace portolan::ui
