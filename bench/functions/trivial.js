exports.handler = async (event) => ({ result: event.input * 2 });
